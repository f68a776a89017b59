// The mails there are, and which preference switches each one off.

export type TemplateName = 'order-confirmed' | 'order-rejected' | 'order-cancelled' | 'order-shipped';

export const CATEGORIES = ['ORDER_STATUS', 'SHIPMENT'] as const;
export type CategoryName = (typeof CATEGORIES)[number];

export function categoryOf(template: TemplateName): CategoryName {
  return template === 'order-shipped' ? 'SHIPMENT' : 'ORDER_STATUS';
}
