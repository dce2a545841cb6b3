/** A shorter text would match inside ordinary words. */
const minSpellingLength = 8;

const tokenPrefix = /^pscale_[a-z]+_/i;

/** Returns the texts that give a secret away: itself, the secret without the prefix of a token, and its base64. */
export function spellingsOf(secret: string): readonly string[] {
  const withoutPrefix = secret.replace(tokenPrefix, '');
  const others = [withoutPrefix, ...base64Of(withoutPrefix)];
  return [secret, ...others.filter(({ length }) => length >= minSpellingLength)];
}

/**
 * Returns the base64 of a secret inside a longer text, such as `id:token`. Three bytes become four characters, so the base64 depends
 * on the number of bytes before the secret. Characters that share bits with other bytes are left out.
 */
const base64Of = (secret: string): string[] => {
  const bytes = Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join('');
  return ['', '\0', '\0\0'].flatMap((before) => {
    const start = Math.ceil((before.length * 8) / 6);
    const end = Math.floor(((before.length + bytes.length) * 8) / 6);
    const base64 = btoa(before + bytes).slice(start, end);
    return [base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
  });
};
