package io.tandem.worker.fabric;

import java.util.concurrent.atomic.AtomicLong;

/** Counted by the agent, read by anyone. */
final class FrameCounts {
  final AtomicLong framesSent = new AtomicLong();
  final AtomicLong framesReceived = new AtomicLong();
  final AtomicLong bytesSent = new AtomicLong();
  final AtomicLong bytesReceived = new AtomicLong();
  final AtomicLong backPressured = new AtomicLong();
  final AtomicLong truncated = new AtomicLong();
  final AtomicLong corrupt = new AtomicLong();
  final AtomicLong foreign = new AtomicLong();
  final AtomicLong otherAttempt = new AtomicLong();
  final AtomicLong disordered = new AtomicLong();
  final AtomicLong bufferStalls = new AtomicLong();

  FabricCounters snapshot(long retransmits) {
    return new FabricCounters(
        framesSent.get(),
        framesReceived.get(),
        bytesSent.get(),
        bytesReceived.get(),
        backPressured.get(),
        retransmits,
        truncated.get(),
        corrupt.get(),
        foreign.get(),
        otherAttempt.get(),
        disordered.get(),
        bufferStalls.get());
  }
}
