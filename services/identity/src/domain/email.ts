// E-mail addresses as account names. Two spellings of one address must not become two accounts, so an address is
// normalised before it is stored or looked up. Only dot-atom local parts and ASCII host names are accepted: quoted
// local parts carry header injection, and look-alike letters make two accounts that a person cannot tell apart.

const ATOM = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const ADDRESS = new RegExp(`^(${ATOM}(?:\\.${ATOM})*)@((?:${LABEL}\\.)+${LABEL})$`);

/** RFC 5321: 64 octets before the @, 254 in all. */
const LOCAL_MAX = 64;
const ADDRESS_MAX = 254;

/** The address in the form that accounts are found by, or undefined when it is none. */
export function normalizeEmail(text: string): string | undefined {
  // Longer ones are refused before the pattern sees them.
  if (text.length > 2 * ADDRESS_MAX) return undefined;
  const address = text.trim().toLowerCase();
  const match = ADDRESS.exec(address);
  if (match === null || address.length > ADDRESS_MAX) return undefined;
  return (match[1] as string).length > LOCAL_MAX ? undefined : address;
}
