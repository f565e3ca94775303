package io.tandem.worker.parallel;

import io.tandem.worker.collective.Communicator;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.Memory.HostBuffer;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Moves tensors between the shards of a group: {@code out[i]} to shard i, {@code in[i]} from it.
 */
final class Exchange {
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final ShardContext context;
  private final List<HostBuffer> held;
  private final Communicator.Pending pending;

  private Exchange(ShardContext context, List<HostBuffer> held, Communicator.Pending pending) {
    this.context = context;
    this.held = held;
    this.pending = pending;
  }

  /** Null entries are empty; this shard's own entries must be null. */
  static void run(ShardContext context, Tensor[] out, Tensor[] in) {
    begin(context, out, in).await();
  }

  /** As {@link #run}, to be awaited or cancelled before the tensors are touched or closed. */
  static Exchange begin(ShardContext context, Tensor[] out, Tensor[] in) {
    var before = context.phases().enter(PhaseClock.Phase.HALO);
    List<HostBuffer> held = new ArrayList<>();
    List<ByteBuffer> sends = buffers(context, out, Access.READ, held);
    List<ByteBuffer> receives = buffers(context, in, Access.WRITE, held);
    Communicator.Pending pending = context.shards().beginAllToAll(sends, receives);
    context.phases().enter(before);
    return new Exchange(context, held, pending);
  }

  /** Waits until all has come. */
  void await() {
    var before = context.phases().enter(PhaseClock.Phase.HALO);
    try {
      pending.await();
    } finally {
      held.forEach(HostBuffer::close);
      context.phases().enter(before);
    }
  }

  /** Computes while the exchange is under way, and then awaits it; a failure cancels it. */
  <T> T during(Supplier<T> work) {
    T result;
    try {
      result = work.get();
    } catch (RuntimeException | Error e) {
      pending.cancel();
      held.forEach(HostBuffer::close);
      throw e;
    }
    await();
    return result;
  }

  private static List<ByteBuffer> buffers(
      ShardContext context, Tensor[] tensors, Access access, List<HostBuffer> held) {
    List<ByteBuffer> buffers = new ArrayList<>();
    for (Tensor tensor : tensors) {
      if (tensor == null) {
        buffers.add(NOTHING);
      } else {
        HostBuffer host = context.engine().host(tensor, access);
        held.add(host);
        buffers.add(host.bytes());
      }
    }
    return buffers;
  }
}
