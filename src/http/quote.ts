import { excerpt } from '../internal/excerpt.ts';
import type { Redact } from './redact.ts';

/** The number of characters of foreign text that an error quotes. */
const maxQuoteLength = 200;

/** Text that came from elsewhere, for an error message: short, without secrets and without control characters. */
export const quote = (text: string, redact: Redact, maxLength = maxQuoteLength): string =>
  excerpt(redact(text, maxLength), maxLength);
