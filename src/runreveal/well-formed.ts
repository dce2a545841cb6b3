/**
 * Text that any decoder takes: a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. ClickHouse refuses a whole insert
 * for one of them. Nothing there becomes `''`.
 */
export const wellFormed = (text: string | null | undefined): string => text?.toWellFormed() ?? '';
