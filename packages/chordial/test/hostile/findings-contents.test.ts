import { attacks } from './findings/contents.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
