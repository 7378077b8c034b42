import { attacks } from './findings/names.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
