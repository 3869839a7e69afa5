/** One try to deliver an event. */
export interface DeliveryAttempt {
  /** ISO 8601 UTC. */
  time: string;
  /** What the receiver answered, or null when no answer came. */
  status: number | null;
  /** Why it is not delivered; null when it is. */
  error: string | null;
  duration_ms: number;
}

export type DeliveryOutcome = 'pending' | 'delivered' | 'failed' | 'dropped';

/** One event on its way to one URL. */
export interface Delivery {
  /** The `webhook-id`, the same for every try. */
  id: string;
  /** Without user and password. */
  url: string;
  /** The state that it tells of, or "test". */
  event: string;
  /** When the event happened; ISO 8601 UTC. */
  time: string;
  attempts: DeliveryAttempt[];
  outcome: DeliveryOutcome;
}
