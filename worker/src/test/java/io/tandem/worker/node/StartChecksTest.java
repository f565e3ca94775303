package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartChecksTest {
  private static final String HOST = "127.0.0.1";

  @TempDir Path directory;

  private WorkerSettings settings(int control, int data, Path checkpoints) {
    List<InetSocketAddress> coordinators = List.of(InetSocketAddress.createUnresolved(HOST, 1));
    return WorkerSettings.local(coordinators, 1, HOST, checkpoints, 1).with(control, data, null, 0);
  }

  @Test
  void shouldSayThatAPortIsTakenBeforeAnyJobFailsByIt() throws Exception {
    FakeStarter starter = new FakeStarter();
    try (DatagramSocket udp = new DatagramSocket(new InetSocketAddress(HOST, 0));
        ServerSocket tcp = new ServerSocket()) {
      tcp.bind(new InetSocketAddress(HOST, 0));
      assertThatThrownBy(
              () -> WorkerNode.start(settings(0, udp.getLocalPort(), directory), starter))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("UDP port " + udp.getLocalPort() + " of " + HOST)
          .hasMessageContaining("choose a free port");
      assertThatThrownBy(
              () -> WorkerNode.start(settings(tcp.getLocalPort(), 0, directory), starter))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("TCP port " + tcp.getLocalPort() + " of " + HOST)
          .hasMessageContaining("choose a free port");
    }
  }

  @Test
  void shouldSayThatCheckpointsCannotBeWritten() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> WorkerNode.start(settings(0, 0, file), new FakeStarter()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("checkpoints cannot be written to " + file);
    Path made = directory.resolve("a/b");
    StartChecks.directory(made);
    assertThat(made).isEmptyDirectory();
  }
}
