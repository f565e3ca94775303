package io.tandem.worker.fabric;

import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Ranks of this JVM that reach each other as told, to measure a transport by. */
public final class LoopbackWorld implements AutoCloseable {
  private static final String HOST = "127.0.0.1";

  /** How ranks reach each other. */
  public enum Transport {
    /** One worker with all ranks. */
    IN_PROCESS("in-process"),
    /** A worker a rank; they share a media driver. */
    IPC("ipc"),
    /** A worker and a media driver a rank. */
    UDP("udp");

    private final String label;

    Transport(String label) {
      this.label = label;
    }

    /** As commands and results name it. */
    public String label() {
      return label;
    }
  }

  private final List<Fabrics> workers = new ArrayList<>();

  private LoopbackWorld() {}

  /**
   * Opens a world.
   *
   * @throws PeerLostException where it does not come together
   */
  public static LoopbackWorld open(Transport transport, int ranks) throws InterruptedException {
    Roster roster = roster(transport, ranks);
    List<Member> firsts =
        transport == Transport.IN_PROCESS ? roster.members().subList(0, 1) : roster.members();
    LoopbackWorld world = new LoopbackWorld();
    ExecutorService threads = Executors.newFixedThreadPool(firsts.size());
    try {
      List<Future<Fabrics>> opening = new ArrayList<>();
      for (Member member : firsts) {
        FabricSettings settings = FabricSettings.of(HOST, member.port());
        opening.add(threads.submit(() -> Fabrics.open(roster, member.workerId(), settings)));
      }
      Throwable failure = null;
      for (Future<Fabrics> one : opening) {
        try {
          world.workers.add(one.get());
        } catch (ExecutionException e) {
          failure = e.getCause();
        }
      }
      if (failure != null) {
        world.close();
        throw new IllegalStateException("the world does not come together", failure);
      }
      return world;
    } finally {
      threads.shutdownNow();
    }
  }

  private static Roster roster(Transport transport, int ranks) {
    String job = "loopback-" + ProcessHandle.current().pid();
    List<Member> members = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      String worker = transport == Transport.IN_PROCESS ? "worker" : "worker-" + rank;
      String driver = job + (transport == Transport.UDP ? "-" + rank : "");
      members.add(new Member(rank, worker, HOST, freePort(), driver));
    }
    return new Roster(job, 1, new Mesh(1, ranks), members);
  }

  private static int freePort() {
    try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getByName(HOST))) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no UDP port is free on " + HOST, e);
    }
  }

  /** One a rank, in order; each for one thread. */
  public List<Fabric> ranks() {
    return workers.stream().flatMap(worker -> worker.ranks().stream()).toList();
  }

  @Override
  public void close() {
    // All at once, since each waits until its peers have what it sent them.
    List<Thread> closing = workers.stream().map(worker -> new Thread(worker::close)).toList();
    closing.forEach(Thread::start);
    for (Thread thread : closing) {
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
