package io.tandem.coordinator;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP connection to a server of this machine that a test can cut, and mend. */
public final class Cable implements AutoCloseable {
  private final int target;
  private final int port;
  private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
  private ServerSocket listener;

  /** Mended. */
  public Cable(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    port = listener.getLocalPort();
    accept(listener);
  }

  public int port() {
    return port;
  }

  /** Ends all connections; new ones are refused. */
  public synchronized void cut() throws IOException {
    listener.close();
    for (Closeable end : open) {
      end.close();
    }
    open.clear();
  }

  public synchronized void mend() throws IOException {
    listener = new ServerSocket();
    listener.setReuseAddress(true);
    listener.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    accept(listener);
  }

  private void accept(ServerSocket at) {
    daemon(
        () -> {
          while (!at.isClosed()) {
            Socket near = at.accept();
            Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
            open.add(near);
            open.add(far);
            daemon(() -> copy(near, far));
            daemon(() -> copy(far, near));
          }
        });
  }

  private interface Work {
    void run() throws IOException;
  }

  /** A closed socket ends its threads. */
  private static void daemon(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException closed) {
                Thread.currentThread().interrupt();
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private void copy(Socket from, Socket to) throws IOException {
    try (from;
        to;
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      in.transferTo(out);
    }
  }

  @Override
  public void close() {
    try {
      cut();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
