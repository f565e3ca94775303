package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class PreflightTest {
  private static final Path MEMORY = Path.of("/dev/shm");

  @Test
  void shouldFindNothingWhereAllIsThere() {
    assertThat(
            Preflight.findings(
                3, true, new Preflight.Host(MEMORY, 1L << 30, 8192, 4 << 20, 4 << 20)))
        .isEmpty();
  }

  @Test
  void shouldNeedNothingWithoutPeers() {
    assertThat(Preflight.findings(0, false, new Preflight.Host(MEMORY, 0, 0, 0, 0))).isEmpty();
  }

  @Test
  void shouldSayWhatIsThereWhatIsNeededAndWhatToSet() {
    List<String> findings =
        Preflight.findings(3, true, new Preflight.Host(MEMORY, 32L << 20, 256, 500, 400));
    assertThat(findings)
        .satisfiesExactly(
            memory ->
                assertThat(memory)
                    .startsWith("/dev/shm has 32 MiB free, 3 peers need 53 MiB: enlarge it")
                    .contains("--shm-size=106m"),
            mtu -> assertThat(mtu).contains("leaves 256 bytes a packet, at least 512"),
            receive -> assertThat(receive).contains("sysctl -w net.core.rmem_max=4194304"),
            send -> assertThat(send).contains("sysctl -w net.core.wmem_max=4194304"));
  }

  @Test
  void shouldNotAskForSocketsWhereAllPeersShareTheDriver() {
    assertThat(Preflight.findings(1, false, new Preflight.Host(MEMORY, 1L << 30, 0, 0, 0)))
        .isEmpty();
  }

  @Test
  void shouldPassOnThisHostForOnePeer() {
    Preflight.check(1, List.of("127.0.0.1"), FabricSettings.of("127.0.0.1", 40_000));
  }
}
