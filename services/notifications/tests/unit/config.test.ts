// Settings that only fail when a mail is sent are refused at start.
import { expect, test } from 'vitest';
import { checkMailSettings } from '../../src/config/config.ts';

const GOOD = {
  environment: 'production',
  smtpUrl: 'smtps://user:secret@mail.example:465',
  from: 'orders@shop.example',
  locale: 'de-DE',
};

test('usable settings pass, with and without a server', () => {
  expect(() => checkMailSettings(GOOD)).not.toThrow();
  expect(() => checkMailSettings({ ...GOOD, smtpUrl: undefined })).not.toThrow();
});

test('every problem is named at once, and no secret is shown', () => {
  const bad = {
    environment: 'production',
    smtpUrl: 'https://user:secret@mail.example',
    from: 'Shop <orders@shop.example>',
    locale: 'de_DE!',
  };
  expect(() => checkMailSettings(bad)).toThrow(/STOA_SMTP_URL.*\n.*STOA_MAIL_FROM.*\n.*STOA_MAIL_LOCALE/);
  expect(() => checkMailSettings(bad)).not.toThrow(/secret/);
});

test('real mail is not sent from an address that nobody has', () => {
  const from = 'orders@stoa.invalid';
  expect(() => checkMailSettings({ ...GOOD, from })).toThrow(/STOA_MAIL_FROM: must be set/);
  expect(() => checkMailSettings({ ...GOOD, from, environment: 'development' })).not.toThrow();
  expect(() => checkMailSettings({ ...GOOD, from, smtpUrl: undefined })).not.toThrow();
});
