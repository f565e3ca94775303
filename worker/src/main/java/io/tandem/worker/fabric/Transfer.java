package io.tandem.worker.fabric;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A send or a receive under way. The rank's thread makes it, waits for it and may cancel it; one
 * other thread (a peer's, or the one that has the transport's turn) moves its bytes. Bytes move
 * only under this object's monitor and only while it is pending, so that once {@link #cancel} has
 * returned nobody touches the buffer, which its owner may then free.
 */
final class Transfer implements Fabric.Operation {
  private enum State {
    PENDING,
    DONE,
    REFUSED,
    LOST,
    CANCELLED
  }

  final boolean isSend;
  final int rank;
  final int peer;
  final int tag;

  final int length;

  /** Of a send; position 0, limit {@link #length}; accessed by absolute index only. */
  private final ByteBuffer data;

  /** Of a receive. */
  private final Fabric.Sink sink;

  /** Bytes moved so far; the mover's own. */
  int moved;

  private volatile State state = State.PENDING;
  private volatile Thread waiter;
  private String reason;

  private Transfer(
      boolean isSend, int rank, int peer, int tag, int length, ByteBuffer data, Fabric.Sink sink) {
    this.isSend = isSend;
    this.rank = rank;
    this.peer = peer;
    this.tag = tag;
    this.length = length;
    this.data = data;
    this.sink = sink;
  }

  static Transfer send(int rank, int peer, int tag, ByteBuffer data) {
    return new Transfer(true, rank, peer, tag, data.remaining(), data.slice(), null);
  }

  static Transfer receive(int rank, int peer, int tag, ByteBuffer into) {
    ByteBuffer place = into.slice();
    return receive(rank, peer, tag, place.capacity(), place::put);
  }

  static Transfer receive(int rank, int peer, int tag, int length, Fabric.Sink sink) {
    return new Transfer(false, rank, peer, tag, length, null, sink);
  }

  @Override
  public boolean done() {
    return state == State.DONE;
  }

  boolean isPending() {
    return state == State.PENDING;
  }

  /** Why the other end and this one do not fit together, or null. */
  String refusal() {
    return state == State.REFUSED ? reason : null;
  }

  /** Why the peer is lost, or null. */
  String loss() {
    return state == State.LOST ? reason : null;
  }

  /** Hands {@code count} bytes to this receive; false where it is no longer wanted. */
  synchronized boolean write(int at, ByteBuffer from, int fromIndex, int count) {
    if (state != State.PENDING) {
      return false;
    }
    sink.accept(at, from, fromIndex, count);
    return true;
  }

  /** Copies {@code count} bytes out of this send; false where it was cancelled. */
  synchronized boolean read(int at, ByteBuffer into, int intoIndex, int count) {
    if (state != State.PENDING) {
      return false;
    }
    into.put(intoIndex, data, at, count);
    return true;
  }

  /** Copies this whole send into a receive of the same size and completes both. */
  synchronized void moveTo(Transfer receive) {
    if (state == State.PENDING && receive.write(0, data, 0, length)) {
      receive.finish(State.DONE);
      finish(State.DONE);
    }
  }

  synchronized void complete() {
    if (state == State.PENDING) {
      finish(State.DONE);
    }
  }

  /** The two ends do not fit together: a mistake in the program, not a lost peer. */
  synchronized void refuse(String why) {
    if (state == State.PENDING) {
      reason = why;
      finish(State.REFUSED);
    }
  }

  /** The peer will not do its part. */
  synchronized void lose(String why) {
    if (state == State.PENDING) {
      reason = why;
      finish(State.LOST);
    }
  }

  synchronized void cancel() {
    if (state == State.PENDING) {
      state = State.CANCELLED;
    }
  }

  private void finish(State end) {
    state = end;
    Thread parked = waiter;
    if (parked != null) {
      LockSupport.unpark(parked);
    }
  }

  /**
   * Keeps the rank's thread at work until the transfer ends or nothing has happened for so long.
   *
   * @param spins how often it looks before it lets other threads have the core in between
   * @param patienceNs for how long it does so; 0 looks once
   * @param progress does what it can now; whether it did anything
   */
  void spin(int spins, long patienceNs, BooleanSupplier progress) {
    if (patienceNs == 0) {
      progress.getAsBoolean();
      return;
    }
    long lastNs = 0;
    int idles = 0;
    while (isPending()) {
      if (progress.getAsBoolean()) {
        idles = 0;
      } else if (++idles <= spins) {
        Thread.onSpinWait();
      } else {
        long now = System.nanoTime();
        if (idles == spins + 1) {
          lastNs = now;
        } else if (now - lastNs > patienceNs) {
          return;
        }
        Thread.yield();
      }
    }
  }

  /** Parks the rank's thread until the transfer ends or the time is over. */
  void park(long nanos) {
    waiter = Thread.currentThread();
    if (isPending()) {
      LockSupport.parkNanos(this, nanos);
    }
    waiter = null;
  }

  @Override
  public String toString() {
    return (isSend ? "to send " : "for ")
        + length
        + " bytes of tag "
        + tag
        + (isSend ? " to rank " : " from rank ")
        + peer;
  }
}
