import { attacks } from './findings/membership.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
