package io.tandem.worker.collective;

import io.tandem.worker.fabric.Transport;
import java.nio.ByteBuffer;
import java.util.List;

/** Tells a listener of every call that communicates. */
public final class MeasuredCommunicator implements Communicator {
  private final FabricCommunicator target;
  private final Transport transport;
  private final CollectiveListener listener;

  private MeasuredCommunicator(FabricCommunicator target, CollectiveListener listener) {
    this.target = target;
    this.transport = target.farthest();
    this.listener = listener;
  }

  /** Measures a communicator; one of a single member communicates nothing and stays as it is. */
  public static Communicator of(FabricCommunicator target, CollectiveListener listener) {
    return target.size() == 1 || listener == CollectiveListener.NONE
        ? target
        : new MeasuredCommunicator(target, listener);
  }

  private void done(Collective collective, long bytes, long start) {
    listener.done(collective, transport, size(), bytes, System.nanoTime() - start);
  }

  private static long bytes(List<ByteBuffer> buffers) {
    long bytes = 0;
    for (ByteBuffer buffer : buffers) {
      bytes += buffer.remaining();
    }
    return bytes;
  }

  @Override
  public int index() {
    return target.index();
  }

  @Override
  public int size() {
    return target.size();
  }

  @Override
  public void allReduce(ByteBuffer data, ElementType type) {
    long start = System.nanoTime();
    target.allReduce(data, type);
    done(Collective.ALL_REDUCE, data.remaining(), start);
  }

  @Override
  public void reduceScatter(ByteBuffer in, ByteBuffer out, ElementType type) {
    long start = System.nanoTime();
    target.reduceScatter(in, out, type);
    done(Collective.REDUCE_SCATTER, in.remaining(), start);
  }

  @Override
  public void allGather(ByteBuffer in, ByteBuffer out) {
    long start = System.nanoTime();
    target.allGather(in, out);
    done(Collective.ALL_GATHER, out.remaining(), start);
  }

  /** Counts what beginning and waiting take, not what is done in between. */
  @Override
  public Pending beginAllToAll(List<ByteBuffer> out, List<ByteBuffer> in) {
    long start = System.nanoTime();
    long bytes = Math.max(bytes(out), bytes(in));
    Pending pending = target.beginAllToAll(out, in);
    long beginNanos = System.nanoTime() - start;
    return new Pending() {
      @Override
      public void await() {
        long waiting = System.nanoTime();
        pending.await();
        done(Collective.ALL_TO_ALL, bytes, waiting - beginNanos);
      }

      @Override
      public void cancel() {
        pending.cancel();
      }
    };
  }

  @Override
  public void broadcast(ByteBuffer data, int root) {
    long start = System.nanoTime();
    target.broadcast(data, root);
    done(Collective.BROADCAST, data.remaining(), start);
  }

  @Override
  public void barrier() {
    long start = System.nanoTime();
    target.barrier();
    done(Collective.BARRIER, 0, start);
  }
}
