// Counters of any number of connections: what is counted here a stranger can cause at will, so nobody logs it.

export interface TcpStats {
  segmentsReceived: number;
  segmentsSent: number;
  /** Segments that carried something again. */
  retransmitted: number;
  timeouts: number;
  /** Segments outside the window, without ACK, or acknowledging what was never sent. */
  unacceptable: number;
  /** Segments that are older than what came before (PAWS), or lack an agreed timestamp. */
  outdated: number;
  /** Acknowledgements that ask a peer to prove that it meant its RST or SYN (RFC 5961), and those that were saved. */
  challenges: number;
  challengesSuppressed: number;
  resetsReceived: number;
  resetsSent: number;
}

export function newTcpStats(): TcpStats {
  return {
    ...{ segmentsReceived: 0, segmentsSent: 0, retransmitted: 0, timeouts: 0, unacceptable: 0, outdated: 0 },
    ...{ challenges: 0, challengesSuppressed: 0, resetsReceived: 0, resetsSent: 0 },
  };
}
