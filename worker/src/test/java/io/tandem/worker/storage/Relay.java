package io.tandem.worker.storage;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** A way to a server on this host that can be cut and held up. */
public final class Relay implements AutoCloseable {
  private final ServerSocket entry;
  private final int target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong left = new AtomicLong(Long.MAX_VALUE);
  private volatile boolean silent;

  private Relay(ServerSocket entry, int target) {
    this.entry = entry;
    this.target = target;
  }

  static Relay to(int port) throws IOException {
    var relay = new Relay(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), port);
    daemon(relay::accept);
    return relay;
  }

  int port() {
    return entry.getLocalPort();
  }

  /** Cuts all connections once so many more bytes have gone to the server, and all later ones. */
  public void cutAfter(long bytes) {
    left.set(bytes);
  }

  /** From now on nothing is passed on in either direction, and nothing cut. */
  public void fallSilent() {
    silent = true;
  }

  /** As it was. */
  public void heal() {
    left.set(Long.MAX_VALUE);
    silent = false;
    cut(); // what hung stays hung
  }

  private void accept() {
    while (!entry.isClosed()) {
      try {
        var client = entry.accept();
        open.add(client);
        if (left.get() <= 0) {
          close(client);
        } else if (!silent) {
          var server = new Socket(InetAddress.getLoopbackAddress(), target);
          open.add(server);
          daemon(() -> copy(client, server, true));
          daemon(() -> copy(server, client, false));
        }
      } catch (IOException e) {
        cut(); // the end, or a server that is gone: either way nothing goes on
      }
    }
  }

  private void copy(Socket from, Socket to, boolean counts) {
    var buffer = new byte[16 << 10];
    try {
      for (int read; (read = from.getInputStream().read(buffer)) >= 0; ) {
        if (silent) {
          return; // the peer waits
        }
        if (counts && left.addAndGet(-read) <= 0) {
          cut();
          return;
        }
        to.getOutputStream().write(buffer, 0, read);
      }
    } catch (IOException e) {
      // cut on purpose or by a peer: both ends are closed below
    }
    close(from);
    close(to);
  }

  private void cut() {
    open.forEach(this::close);
  }

  private void close(Socket socket) {
    open.remove(socket);
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void daemon(Runnable task) {
    var thread = new Thread(task, "relay");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    entry.close();
    cut();
  }
}
