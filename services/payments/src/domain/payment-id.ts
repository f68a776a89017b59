// Whether a text that came from outside can be one of our payment ids, and so may be asked about in the database.

export function isPaymentId(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
