import { freePort } from '../support/server-process.ts';

/** Returns the arguments with an address of the loopback interface that is free now. */
export async function onFreePort(args: readonly string[]): Promise<{ readonly args: string[]; readonly url: string }> {
  const address = `127.0.0.1:${await freePort()}`;
  return { args: args.with(args.indexOf('--listen') + 1, address), url: `http://${address}` };
}

/** The address that the arguments listen on. */
export const listenAddressOf = (args: readonly string[]): string => args[args.indexOf('--listen') + 1] ?? '';
