import { attacks } from './findings/paths.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
