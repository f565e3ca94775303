package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.Fabric.Operation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * Times collectives over a world of ranks. Bytes and bus bandwidth are nccl-tests' (its
 * doc/PERFORMANCE.md): with n ranks, bytes N are those of the larger of the two buffers, algorithm
 * bandwidth is N / time, and bus bandwidth is that times 2(n-1)/n for all-reduce, (n-1)/n for
 * reduce-scatter and all-gather. For the halo exchange N is what a rank sends to each of its two
 * neighbours on the ring, and bus bandwidth what one direction carries, N / time.
 */
public final class CollectiveBenchmark {
  /** What is timed. */
  public static final List<Collective> COLLECTIVES =
      List.of(
          Collective.ALL_REDUCE, Collective.REDUCE_SCATTER, Collective.ALL_GATHER, Collective.HALO);

  private static final int TAG_HALO = FabricCommunicator.TAGS;
  private static final long WARM_UP_NS = 400_000_000;
  private static final long BYTES_EACH = 256L << 20;
  private static final int FEWEST = 7;
  private static final int MOST = 500;

  private CollectiveBenchmark() {}

  /**
   * One line of the report.
   *
   * @param transport {@code in-process}, {@code ipc} or {@code udp}
   * @param bytes N
   * @param medianMicros over the repetitions, of the slowest rank each time
   * @param busGigabytesPerSecond 10^9 bytes
   */
  public record Result(
      String collective,
      String transport,
      int ranks,
      int bytes,
      double medianMicros,
      double busGigabytesPerSecond) {}

  /**
   * Times one collective between ranks of this JVM, a thread each.
   *
   * @return the slowest rank's nanoseconds, one for each repetition
   */
  public static long[] time(Collective collective, List<Fabric> world, int bytes)
      throws InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(world.size());
    try {
      List<Future<long[]>> ranks =
          world.stream()
              .map(fabric -> threads.submit(() -> time(collective, fabric, bytes)))
              .toList();
      long[] slowest = {};
      for (Future<long[]> rank : ranks) {
        slowest = rank.get();
      }
      return slowest;
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          collective.label() + " of " + bytes + " bytes failed", e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }

  /**
   * One rank's part: all ranks of the world call it with the same arguments.
   *
   * @return the slowest rank's nanoseconds, one for each repetition; the same on every rank
   */
  public static long[] time(Collective collective, Fabric fabric, int bytes) {
    int[] members = IntStream.range(0, fabric.size()).toArray();
    Communicator all = new FabricCommunicator(fabric, members, 0);
    Runnable call = call(collective, fabric, all, bytes);
    int repetitions = repetitions(bytes);
    warmUp(call, all, repetitions);
    ByteBuffer own = ByteBuffer.allocateDirect(repetitions * Long.BYTES);
    for (int i = 0; i < repetitions; i++) {
      all.barrier();
      long start = System.nanoTime();
      call.run();
      own.putLong(i * Long.BYTES, System.nanoTime() - start);
    }
    ByteBuffer everybody = ByteBuffer.allocateDirect(own.capacity() * all.size());
    all.allGather(own, everybody);
    long[] slowest = new long[repetitions];
    for (int i = 0; i < repetitions * all.size(); i++) {
      long nanos = everybody.getLong(i * Long.BYTES);
      slowest[i % repetitions] = Math.max(slowest[i % repetitions], nanos);
    }
    return slowest;
  }

  /** Until the first rank has had enough, so that the code is compiled and memory is touched. */
  private static void warmUp(Runnable call, Communicator all, int repetitions) {
    long start = System.nanoTime();
    ByteBuffer again = ByteBuffer.allocateDirect(1);
    do {
      for (int i = 0; i < repetitions; i++) {
        call.run();
      }
      again.put(0, (byte) (System.nanoTime() - start < WARM_UP_NS ? 1 : 0));
      all.broadcast(again, 0);
    } while (again.get(0) != 0);
  }

  /** The line for timings that were made with {@link #time}. */
  public static Result result(
      Collective collective, String transport, int ranks, int bytes, long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    long median = Math.max(1, sorted[sorted.length / 2]);
    return new Result(
        collective.label(),
        transport,
        ranks,
        bytes,
        median / 1e3,
        collective.busFactor(ranks) * bytes / median);
  }

  private static int repetitions(int bytes) {
    return (int) Math.max(FEWEST, Math.min(MOST, BYTES_EACH / Math.max(1, bytes)));
  }

  private static Runnable call(Collective collective, Fabric fabric, Communicator all, int bytes) {
    int chunk = bytes / all.size() / Double.BYTES * Double.BYTES;
    ByteBuffer whole = ByteBuffer.allocateDirect(bytes);
    ByteBuffer chunks = whole.slice(0, chunk * all.size());
    ByteBuffer own = ByteBuffer.allocateDirect(chunk);
    return switch (collective) {
      case ALL_REDUCE -> () -> all.allReduce(whole, ElementType.FLOAT32);
      case REDUCE_SCATTER -> () -> all.reduceScatter(chunks, own, ElementType.FLOAT32);
      case ALL_GATHER -> () -> all.allGather(own, chunks);
      case HALO -> halo(fabric, bytes);
      case ALL_TO_ALL, BROADCAST, BARRIER ->
          throw new IllegalArgumentException(
              collective.label() + " is not measured; " + COLLECTIVES + " are");
    };
  }

  private static Runnable halo(Fabric fabric, int bytes) {
    int left = Math.floorMod(fabric.rank() - 1, fabric.size());
    int right = Math.floorMod(fabric.rank() + 1, fabric.size());
    ByteBuffer out = ByteBuffer.allocateDirect(bytes);
    ByteBuffer fromLeft = ByteBuffer.allocateDirect(bytes);
    ByteBuffer fromRight = ByteBuffer.allocateDirect(bytes);
    return () -> {
      if (left == fabric.rank()) {
        return;
      }
      List<Operation> operations =
          List.of(
              fabric.receive(left, TAG_HALO, fromLeft),
              fabric.receive(right, TAG_HALO + 1, fromRight),
              fabric.send(right, TAG_HALO, out),
              fabric.send(left, TAG_HALO + 1, out));
      operations.forEach(fabric::await);
    };
  }
}
