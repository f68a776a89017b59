// Whether a text is one plain e-mail address. What orders stores was typed by a guest at a checkout: here it is about to
// become an SMTP command, and must name exactly one recipient.

// RFC 5321: 254 characters. Letters beyond ASCII are let through; a server that cannot take them says so.
const ADDRESS = /^[^\s@<>()[\]\\,;:"\p{C}]{1,64}@[^\s@<>()[\]\\,;:"\p{C}]{1,190}$/u;

export function isMailAddress(text: string): boolean {
  return ADDRESS.test(text);
}
