// Tracking numbers: "ST", 17 digits, and GS1's check digit over them (the one on barcodes and on SSCC labels), which
// catches every wrong digit and most swapped neighbours before anybody looks a number up.

/** Digits a tracking number is made from: so many that a number drawn at random is practically never drawn twice. */
export const SERIAL_LENGTH = 17;

const FORM = /^ST\d{18}$/;

/** GS1's check digit: weights 3, 1, 3, … from the right. */
function checkDigit(digits: string): number {
  const sum = [...digits]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1), 0);
  return (10 - (sum % 10)) % 10;
}

/** The tracking number of a serial of 17 digits. */
export function trackingNumber(serial: string): string {
  if (serial.length !== SERIAL_LENGTH) throw new Error(`a serial has ${SERIAL_LENGTH} digits, not ${serial.length}`);
  return `ST${serial}${checkDigit(serial)}`;
}

/** Whether a text is a tracking number with the right check digit. */
export function isTrackingNumber(text: string): boolean {
  return FORM.test(text) && checkDigit(text.slice(2, -1)) === Number(text.at(-1));
}
