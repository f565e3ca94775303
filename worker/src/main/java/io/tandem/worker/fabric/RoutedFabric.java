package io.tandem.worker.fabric;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;

/**
 * One rank's fabric: ranks of the same worker are reached in process, others over Aeron. Used by
 * that rank's thread alone. A wait that fails cancels everything the rank had under way, so that
 * its buffers may be freed; the rank's fabric is then of no further use.
 */
final class RoutedFabric implements Fabric {
  /** How often a parked rank looks whether a peer has left. */
  private static final long LOOK_NS = Duration.ofMillis(5).toNanos();

  /**
   * How long a waiting rank keeps its core, where it has one of its own: about a layer's time, by
   * which the peer may be behind. Being woken takes longer than most waits.
   */
  private static final long PATIENCE_NS = Duration.ofMillis(3).toNanos();

  private final int rank;
  private final Route[] routes;
  private final Departures departures;
  private final long timeoutNs;
  private final long patienceNs;
  private final Deque<Transfer> underWay = new ArrayDeque<>();
  private final long[] waitedNs;
  private boolean closed;

  /**
   * @param routes by peer; the own entry is unused
   * @param neighbours ranks on this host, this one among them
   */
  RoutedFabric(int rank, Route[] routes, Departures departures, Duration timeout, int neighbours) {
    this.rank = rank;
    this.routes = routes;
    this.waitedNs = new long[routes.length];
    this.departures = departures;
    this.timeoutNs = timeout.toNanos();
    // Keeping the core pays only while the peer has one of its own to answer on.
    this.patienceNs = neighbours <= Runtime.getRuntime().availableProcessors() ? PATIENCE_NS : 0;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return routes.length;
  }

  @Override
  public Transport transport(int peer) {
    return routes[peer].transport(peer);
  }

  @Override
  public Operation send(int peer, int tag, ByteBuffer data) {
    return begin(Transfer.send(rank, peer, tag, data));
  }

  @Override
  public Operation receive(int peer, int tag, ByteBuffer into) {
    return begin(Transfer.receive(rank, peer, tag, into));
  }

  @Override
  public Operation receive(int peer, int tag, int length, Sink sink) {
    return begin(Transfer.receive(rank, peer, tag, length, sink));
  }

  private Operation begin(Transfer transfer) {
    if (transfer.peer < 0 || transfer.peer >= size() || transfer.peer == rank) {
      throw new IllegalArgumentException(
          "rank " + rank + " of " + size() + " has no peer " + transfer.peer);
    }
    if (closed) {
      throw new IllegalStateException("the fabric of rank " + rank + " is closed");
    }
    routes[transfer.peer].begin(transfer);
    if (transfer.isPending()) {
      forgetDone();
      underWay.add(transfer);
    }
    return transfer;
  }

  private void forgetDone() {
    while (!underWay.isEmpty() && !underWay.peekFirst().isPending()) {
      underWay.removeFirst();
    }
  }

  @Override
  public void await(Operation operation) {
    Transfer transfer = (Transfer) operation;
    if (!transfer.done()) {
      long start = System.nanoTime();
      if (transfer.isPending()) {
        routes[transfer.peer].help(transfer, patienceNs);
      }
      if (!transfer.done()) {
        awaitParked(transfer);
      }
      waitedNs[transfer.peer] += System.nanoTime() - start;
    }
    forgetDone();
  }

  @Override
  public long waitedNs(int peer) {
    return waitedNs[peer];
  }

  private void awaitParked(Transfer transfer) {
    long start = System.nanoTime();
    while (!transfer.done()) {
      if (transfer.refusal() != null) {
        cancel();
        throw new IllegalStateException(transfer.refusal());
      }
      long waited = System.nanoTime() - start;
      PeerLostException lost = lost(transfer, waited);
      if (lost != null) {
        cancel();
        // It may have completed while we looked, which is as good as before.
        if (transfer.done()) {
          return;
        }
        throw lost;
      }
      if (Thread.interrupted()) {
        cancel();
        Thread.currentThread().interrupt();
        throw new PeerLostException(
            rank,
            transfer.peer,
            waited,
            "rank " + rank + " was interrupted while it waited " + transfer);
      }
      transfer.park(Math.min(LOOK_NS, Math.max(1, timeoutNs - waited)));
    }
  }

  private PeerLostException lost(Transfer transfer, long waitedNs) {
    String waiting = String.format("rank %d waited %.1f s %s", rank, waitedNs / 1e9, transfer);
    Departures.Abort abort = departures.abort();
    if (abort != null) {
      return new PeerLostException(
          rank,
          abort.rank(),
          waitedNs,
          waiting + ", but rank " + abort.rank() + " gave up: " + abort.reason());
    }
    String gone = departures.departed(transfer.peer);
    String why = gone != null ? gone : transfer.loss();
    if (why != null) {
      return new PeerLostException(
          rank,
          transfer.peer,
          waitedNs,
          waiting + ", but rank " + transfer.peer + " is gone: " + why);
    }
    if (waitedNs >= timeoutNs) {
      return new PeerLostException(
          rank, transfer.peer, waitedNs, waiting + ": rank " + transfer.peer + " is silent");
    }
    return null;
  }

  @Override
  public void cancel() {
    for (Iterator<Transfer> all = underWay.iterator(); all.hasNext(); ) {
      all.next().cancel();
      all.remove();
    }
  }

  @Override
  public void abort(String reason) {
    departures.abort(rank, reason);
    Arrays.stream(routes).distinct().forEach(route -> route.abort(rank, reason));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cancel();
      departures.depart(rank, "it closed its fabric");
    }
  }
}
