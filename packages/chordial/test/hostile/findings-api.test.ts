import { attacks } from './findings/api.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
