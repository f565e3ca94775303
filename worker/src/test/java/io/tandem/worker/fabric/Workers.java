package io.tandem.worker.fabric;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ext.DebugReceiveChannelEndpoint;
import io.aeron.driver.ext.LossGenerator;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.agrona.CloseHelper;

/** Several workers of one attempt in this JVM, for tests. */
public final class Workers implements AutoCloseable {
  static final Duration DEADLINE = Duration.ofSeconds(30);

  final Roster roster;
  final List<Integer> ports = new ArrayList<>();
  final List<Fabrics> workers = new ArrayList<>();

  private Workers(Roster roster) {
    this.roster = roster;
  }

  /** Two workers or more, with a driver each (UDP) or one for all (IPC). */
  public static Workers open(int workers, int ranksEach, boolean shareDriver) {
    return open(workers, ranksEach, shareDriver, settings -> settings, context -> {});
  }

  /** Changes an option of every worker's. */
  interface Change {
    FabricSettings apply(FabricSettings settings);
  }

  static Workers open(
      int count,
      int ranksEach,
      boolean shareDriver,
      Change change,
      Consumer<MediaDriver.Context> driverChange) {
    List<Integer> ports = new ArrayList<>();
    List<Member> members = new ArrayList<>();
    for (int w = 0; w < count; w++) {
      ports.add(freePort());
      for (int r = 0; r < ranksEach; r++) {
        String driver = "test-" + ports.get(shareDriver ? 0 : w);
        members.add(new Member(w * ranksEach + r, "w" + w, "127.0.0.1", ports.get(w), driver));
      }
    }
    Workers world = new Workers(new Roster("job", 3, new Mesh(count, ranksEach), members));
    world.ports.addAll(ports);
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<Fabrics>> opening = new ArrayList<>();
      for (int w = 0; w < count; w++) {
        String id = "w" + w;
        FabricSettings settings =
            change.apply(
                FabricSettings.of("127.0.0.1", ports.get(w))
                    .withTimeouts(DEADLINE, DEADLINE, DEADLINE));
        opening.add(threads.submit(() -> Fabrics.open(world.roster, id, settings, driverChange)));
      }
      for (Future<Fabrics> one : opening) {
        world.workers.add(one.get(60, TimeUnit.SECONDS));
      }
    } catch (Exception e) {
      world.close();
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
    return world;
  }

  /** Drivers that lose what comes in as that says. */
  static Consumer<MediaDriver.Context> losing(LossGenerator loss) {
    return context ->
        context.receiveChannelEndpointSupplier(
            (channel, dispatcher, status, driver) ->
                new DebugReceiveChannelEndpoint(channel, dispatcher, status, driver, loss, loss));
  }

  /** Every rank sends so many bytes to one of another worker, and checks what it gets. */
  void exchange(int bytes) {
    Ranks.run(
        ranks(),
        fabric -> {
          int peer = (fabric.rank() + fabric.size() / 2) % fabric.size();
          ByteBuffer out = ByteBuffer.allocateDirect(bytes);
          for (int i = 0; i < bytes; i++) {
            out.put(i, (byte) (fabric.rank() + i * 31 + i / 1000));
          }
          ByteBuffer in = ByteBuffer.allocateDirect(bytes);
          Fabric.Operation send = fabric.send(peer, 5, out);
          fabric.await(fabric.receive(peer, 5, in));
          fabric.await(send);
          for (int i = 0; i < bytes; i++) {
            if (in.get(i) != (byte) (peer + i * 31 + i / 1000)) {
              throw new AssertionError("byte " + i + " from rank " + peer + " is wrong");
            }
          }
          return null;
        });
  }

  static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("waited in vain for " + what);
      }
      Thread.onSpinWait();
    }
  }

  static int freePort() {
    try (DatagramSocket socket = new DatagramSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All ranks, in order. */
  public List<Fabric> ranks() {
    return workers.stream().flatMap(worker -> worker.ranks().stream()).toList();
  }

  Fabric rank(int rank) {
    return ranks().get(rank);
  }

  @Override
  public void close() {
    CloseHelper.closeAll(workers);
  }
}
