// A shipment, or the refusal to make one: what is stored for an order and told about it.

export type ShipmentState = 'CREATED' | 'CANCELLED';

export interface Shipment {
  readonly kind: 'shipment';
  readonly orderId: string;
  readonly id: string;
  readonly state: ShipmentState;
  readonly methodId: string;
  readonly trackingNumber: string;
  readonly version: bigint;
  readonly createdAt: Date;
}

export interface RefusedShipment {
  readonly kind: 'refused';
  readonly orderId: string;
  readonly methodId: string;
  readonly reason: string;
  readonly version: bigint;
}

export type ShipmentOutcome = Shipment | RefusedShipment;

/** The parts of a shipment that are drawn, not derived. */
export interface Draw {
  readonly id: string;
  readonly trackingNumber: string;
}

export interface ShipmentRequest {
  readonly orderId: string;
  readonly methodId: string;
}

export type NewShipment =
  | { readonly kind: 'shipment'; readonly request: ShipmentRequest; readonly draw: Draw }
  | { readonly kind: 'refused'; readonly request: ShipmentRequest; readonly reason: 'UNKNOWN_METHOD' };

/** Decides a command for an order that has no outcome yet. */
export function decideShipment(request: ShipmentRequest, knownMethods: ReadonlySet<string>, draw: Draw): NewShipment {
  if (!knownMethods.has(request.methodId)) return { kind: 'refused', request, reason: 'UNKNOWN_METHOD' };
  return { kind: 'shipment', request, draw };
}
