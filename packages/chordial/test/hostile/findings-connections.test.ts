import { attacks } from './findings/connections.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
