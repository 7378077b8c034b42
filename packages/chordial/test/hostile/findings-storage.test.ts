import { attacks } from './findings/storage.ts';
import { testFindings } from './test-findings.ts';

testFindings(attacks);
