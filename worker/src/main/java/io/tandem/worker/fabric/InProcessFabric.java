package io.tandem.worker.fabric;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.stream.IntStream;

/**
 * Exchanges between ranks of one JVM. A send meets its receive in a rendezvous: whoever comes
 * second copies straight from the sender's buffer into the receiver's. Nothing is buffered, so a
 * send completes only when its receive was begun.
 */
public final class InProcessFabric {
  private InProcessFabric() {}

  /**
   * A world of ranks in this JVM, one fabric a rank, each to be used by one thread.
   *
   * @param size number of ranks
   * @param timeout after which a wait ends with {@link PeerLostException}
   */
  public static List<Fabric> world(int size, Duration timeout) {
    Departures departures = new Departures(size);
    Route[] routes = new Route[size];
    Arrays.fill(routes, new Rendezvous(size));
    return IntStream.range(0, size)
        .<Fabric>mapToObj(rank -> new RoutedFabric(rank, routes, departures, timeout, size))
        .toList();
  }

  /** Where the ranks of one JVM meet: one channel for each ordered pair of ranks. */
  static final class Rendezvous implements Route {
    private final int size;
    private final Channel[] channels;

    Rendezvous(int size) {
      this.size = size;
      channels = new Channel[size * size];
      Arrays.setAll(channels, i -> new Channel());
    }

    @Override
    public void begin(Transfer transfer) {
      int from = transfer.isSend ? transfer.rank : transfer.peer;
      int to = transfer.isSend ? transfer.peer : transfer.rank;
      channels[from * size + to].begin(transfer);
    }

    @Override
    public void help(Transfer transfer, long patienceNs) {
      transfer.spin(Route.SPINS, patienceNs, () -> false);
    }

    @Override
    public Transport transport(int peer) {
      return Transport.IN_PROCESS;
    }

    @Override
    public void abort(int rank, String reason) {
      // The ranks that share this route share the record of departures too.
    }
  }

  /** From one rank to another. A tag's queue holds only sends or only receives: others have met. */
  private static final class Channel {
    private final Map<Integer, Queue<Transfer>> waiting = new HashMap<>();

    synchronized void begin(Transfer transfer) {
      Queue<Transfer> queue = waiting.computeIfAbsent(transfer.tag, tag -> new ArrayDeque<>());
      while (!queue.isEmpty() && !queue.peek().isPending()) {
        queue.remove();
      }
      if (queue.isEmpty() || queue.peek().isSend == transfer.isSend) {
        queue.add(transfer);
        return;
      }
      Transfer other = queue.remove();
      Transfer send = transfer.isSend ? transfer : other;
      Transfer receive = transfer.isSend ? other : transfer;
      if (send.length == receive.length) {
        send.moveTo(receive);
      } else {
        String why = mismatch(send.rank, receive.rank, send.tag, send.length, receive.length);
        send.refuse(why);
        receive.refuse(why);
      }
    }
  }

  static String mismatch(int from, int to, int tag, int sent, int awaited) {
    return String.format(
        "rank %d sent %d bytes of tag %d to rank %d, which awaited %d: the two ranks do not run"
            + " the same program",
        from, sent, tag, to, awaited);
  }
}
