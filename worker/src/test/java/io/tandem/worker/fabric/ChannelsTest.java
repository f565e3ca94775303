package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.NetworkInterface;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChannelsTest {
  @ParameterizedTest
  @CsvSource({
    "1500, false, 1472",
    "1500, true, 1440",
    "1450, false, 1408",
    "9001, false, 8960",
    "65536, false, 65504"
  })
  void shouldFillThePacketsOfTheLink(int linkMtu, boolean ip6, int expected) {
    assertThat(Channels.mtu(linkMtu, ip6)).isEqualTo(expected);
  }

  @Test
  void shouldUseTheLargestPacketsOnThisHost() throws Exception {
    int sockets = SocketLimits.ofThisHost().receiveBytes() / 2 / 32 * 32;
    int expected = Math.min(Channels.LARGEST_MTU, sockets);
    assertThat(Channels.mtu("127.0.0.1")).isEqualTo(expected);
    for (NetworkInterface link : NetworkInterface.networkInterfaces().toList()) {
      for (InetAddress own : link.inetAddresses().toList()) {
        assertThat(Channels.mtu(own.getHostAddress())).as(own.toString()).isEqualTo(expected);
      }
    }
  }

  @Test
  void shouldPutTheMtuIntoThePublicationsChannel() {
    assertThat(Channels.publication("127.0.0.1", 4000))
        .startsWith("aeron:udp?endpoint=127.0.0.1:4000|")
        .endsWith("|mtu=" + Channels.mtu("127.0.0.1"));
    assertThat(Channels.subscription("::1", 4000)).isEqualTo("aeron:udp?endpoint=[::1]:4000");
  }
}
