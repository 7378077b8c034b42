import { attacks } from './findings/sharing.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
