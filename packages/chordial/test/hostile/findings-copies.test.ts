import { attacks } from './findings/copies.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
