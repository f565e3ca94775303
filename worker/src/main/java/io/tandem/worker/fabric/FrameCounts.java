package io.tandem.worker.fabric;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Counted by whoever has the turn, read by anyone. */
final class FrameCounts {
  final AtomicLong framesSent = new AtomicLong();
  final AtomicLong framesReceived = new AtomicLong();
  final AtomicLong bytesSent = new AtomicLong();
  final AtomicLong bytesReceived = new AtomicLong();
  private final AtomicLong backPressuredIpc = new AtomicLong();
  private final AtomicLong backPressuredUdp = new AtomicLong();
  final AtomicLong truncated = new AtomicLong();
  final AtomicLong corrupt = new AtomicLong();
  final AtomicLong foreign = new AtomicLong();
  final AtomicLong otherAttempt = new AtomicLong();
  final AtomicLong unauthentic = new AtomicLong();
  final AtomicLong disordered = new AtomicLong();
  final AtomicLong bufferStalls = new AtomicLong();

  AtomicLong backPressured(Transport transport) {
    return transport == Transport.IPC ? backPressuredIpc : backPressuredUdp;
  }

  FabricCounters snapshot(long retransmits, List<FabricCounters.Stream> streams) {
    return new FabricCounters(
        framesSent.get(),
        framesReceived.get(),
        bytesSent.get(),
        bytesReceived.get(),
        backPressuredIpc.get(),
        backPressuredUdp.get(),
        retransmits,
        truncated.get(),
        corrupt.get(),
        foreign.get(),
        otherAttempt.get(),
        unauthentic.get(),
        disordered.get(),
        bufferStalls.get(),
        streams);
  }
}
