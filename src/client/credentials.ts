import { AuditConfigError } from '../errors.ts';
import { credentialSchemaWith, type OptionNames } from '../internal/option-schemas.ts';

/** The options that hold credentials. */
export interface CredentialOptions {
  readonly serviceTokenId: string | undefined;
  readonly serviceToken: string | undefined;
  readonly accessToken: string | undefined;
}

/** The Authorization header, and the secret part of it. */
export interface Credentials {
  readonly authorization: string;
  readonly secrets: readonly string[];
}

/** Every token of PlanetScale starts so, and no id does. */
const isToken = (text: string): boolean => text.startsWith('pscale_');

export const serviceTokenIdSchema = /* @__PURE__ */ (() =>
  credentialSchemaWith((id) => {
    if (/\S\s+\S/.test(id)) return "must be the token's id, and not its name (an id has no white space)";
    return isToken(id) ? "must be the token's id, and not the token (the id and the token may be swapped)" : '';
  }))();

export const accessTokenSchema = /* @__PURE__ */ (() =>
  credentialSchemaWith((token) =>
    token.startsWith('pscale_tkn_')
      ? 'must be a login or OAuth token, and not a service token (which belongs, with its id, into the options of a service token)'
      : '',
  ))();

/**
 * @param owner the function or class that takes the credentials, for the message
 * @param names the names under which the caller gave the options, if other than those of the options
 * @throws AuditConfigError
 */
export function parseCredentials(
  { serviceTokenId, serviceToken, accessToken }: CredentialOptions,
  owner: string,
  names: OptionNames,
): Credentials {
  const nameOf = (option: keyof CredentialOptions): string => names[option] ?? option;
  if (accessToken !== undefined) {
    if (serviceToken !== undefined || serviceTokenId !== undefined) {
      throw new AuditConfigError(
        `${owner} got two kinds of credentials. Give accessToken, or serviceTokenId with serviceToken, but not both.`,
      );
    }
    if (accessToken.includes(':')) {
      const name = nameOf('accessToken');
      throw new AuditConfigError(
        `${owner} received ${name} with a colon. Give an \`id:token\` pair as ${name === 'accessToken' ? 'serviceToken' : 'PLANETSCALE_SERVICE_TOKEN'}.`,
      );
    }
    return { authorization: `Bearer ${accessToken}`, secrets: [accessToken] };
  }
  if (serviceToken === undefined) {
    throw new AuditConfigError(
      `${owner} got ${serviceTokenId === undefined ? 'no credentials' : 'a serviceTokenId without its serviceToken'}. Give serviceTokenId and serviceToken, or accessToken.`,
    );
  }
  const [id, token, ...more] = serviceTokenId === undefined ? serviceToken.split(':') : [serviceTokenId, serviceToken];
  const name = nameOf('serviceToken');
  if (!id || !token || more.length > 0 || id.includes(':') || token.includes(':')) {
    throw new AuditConfigError(
      `${owner} cannot split the service token from its id. Give ${nameOf('serviceTokenId')} and ${name}, neither with a colon, or \`id:token\` as ${name} alone.`,
    );
  }
  if (id === token) {
    throw new AuditConfigError(
      `${owner} received the same text as ${nameOf('serviceTokenId')} and as ${name}. Give the id of the token, and the token itself.`,
    );
  }
  if (isToken(id)) {
    throw new AuditConfigError(
      `${owner} got a token where its id belongs: ${name} must be \`id:token\`, and the two may be swapped.`,
    );
  }
  return { authorization: `${id}:${token}`, secrets: [token] };
}
