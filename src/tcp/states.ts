// The states of a connection and the steps between them that both ends' FINs cause (RFC 9293, figure 5).

/** "held": a SYN came, and the owner has not decided about it. The others are those of RFC 9293. */
export type TcpState =
  | ("held" | "syn-sent" | "syn-received" | "established" | "fin-wait-1" | "fin-wait-2")
  | ("close-wait" | "closing" | "last-ack" | "time-wait" | "closed");

/** When the application closes. What is still to be established goes on to fin-wait-1 once it is. */
export const AFTER_CLOSE: Partial<Record<TcpState, TcpState>> = {
  ...{ held: "held", "syn-sent": "syn-sent", "syn-received": "syn-received" },
  established: "fin-wait-1",
  "close-wait": "last-ack",
};

/** When our FIN is acknowledged. */
export const AFTER_FIN_ACKNOWLEDGED: Partial<Record<TcpState, TcpState>> = {
  "fin-wait-1": "fin-wait-2",
  closing: "time-wait",
  "last-ack": "closed",
};

/** When the peer's FIN and everything before it is there. */
export const AFTER_PEER_CLOSED: Partial<Record<TcpState, TcpState>> = {
  established: "close-wait",
  "fin-wait-1": "closing",
  "fin-wait-2": "time-wait",
};
