package io.tandem.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.tls.PemFiles;
import io.tandem.protocol.tls.TestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What both sides say of each other's certificates, over real connections. */
class PeerTlsTest {
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);

  @TempDir Path directory;
  private TestAuthority ours;
  private ServerSocket server;

  /** What the newest server says of who calls, or "served"; the one before may speak yet. */
  private LinkedBlockingQueue<String> serverSays = new LinkedBlockingQueue<>();

  @BeforeEach
  void sign() throws Exception {
    ours = new TestAuthority(directory.resolve("ours"), "ours");
    ours.sign("server", "tandem");
  }

  @AfterEach
  void stop() throws IOException {
    if (server != null) {
      server.close();
    }
  }

  private static PeerCertificates files(TestAuthority authority, String name) {
    return new PeerCertificates(
        authority.file(name + ".crt"), authority.file(name + ".key"), authority.file("ca.crt"));
  }

  /** A server as remoting would be with these files, for one call. */
  private InetSocketAddress serve(PeerCertificates files) throws Exception {
    LinkedBlockingQueue<String> says = new LinkedBlockingQueue<>();
    serverSays = says;
    PeerTls.Identity identity = PeerTls.identity(files, says::add);
    SSLServerSocket tls =
        (SSLServerSocket) identity.context().getServerSocketFactory().createServerSocket(0);
    tls.setNeedClientAuth(true);
    server = tls;
    call(
        () -> {
          try (SSLSocket socket = (SSLSocket) tls.accept()) {
            socket.startHandshake();
            says.add("served");
          }
        });
    return address();
  }

  private InetSocketAddress address() {
    return InetSocketAddress.createUnresolved("127.0.0.1", server.getLocalPort());
  }

  private interface Call {
    void run() throws IOException;
  }

  private void call(Call call) {
    LinkedBlockingQueue<String> says = serverSays;
    Thread thread =
        new Thread(
            () -> {
              try {
                call.run();
              } catch (IOException e) {
                says.add("failed: " + e.getMessage());
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private String serverSays() throws InterruptedException {
    return serverSays.poll(20, TimeUnit.SECONDS);
  }

  @Test
  void shouldFindNothingWrongBetweenPeersOfOneAuthority() throws Exception {
    ours.sign("client", "tandem");
    assertThat(PeerProbe.trouble(serve(files(ours, "server")), files(ours, "client"))).isEmpty();
    assertThat(serverSays()).isEqualTo("served");
  }

  @Test
  void shouldTakeOtherKindsOfKeys() throws Exception {
    ours.sign("client", "tandem", "EC", DAY.negated(), DAY);
    assertThat(PeerProbe.trouble(serve(files(ours, "server")), files(ours, "client"))).isEmpty();
    assertThat(serverSays()).isEqualTo("served");
  }

  /** A certificate that expires is refused soon, though a session is taken up without it. */
  @Test
  void shouldTakeUpASessionAgainForAFewMinutesOnly() {
    SSLContext context = PeerTls.identity(files(ours, "server"), serverSays::add).context();
    for (SSLSessionContext sessions :
        List.of(context.getServerSessionContext(), context.getClientSessionContext())) {
      // 0 is for ever.
      assertThat(sessions.getSessionTimeout()).isBetween(1, (int) FIVE_MINUTES.toSeconds());
    }
  }

  @Test
  void shouldNameAnExpiredCertificateOnBothSides() throws Exception {
    ours.sign("client", "tandem-old", "RSA", DAY.multipliedBy(-3), DAY.negated());
    assertThat(PeerProbe.trouble(serve(files(ours, "server")), files(ours, "client")))
        .contains("it refuses this process's certificate CN=tandem-old (serial ")
        .contains("signed by CN=ours, valid from ", "look at validity, authority, and both clocks");
    assertThat(serverSays())
        .contains("CN=tandem-old (serial ", " expired 1 d 0 h ago by this host's clock (")
        .endsWith("renew it");
  }

  @Test
  void shouldNameAServersExpiredCertificateToo() throws Exception {
    ours.sign("late", "late", "RSA", DAY.multipliedBy(-3), DAY.negated());
    ours.sign("client", "tandem");
    assertThat(PeerProbe.trouble(serve(files(ours, "late")), files(ours, "client")))
        .contains("its certificate is refused here: CN=late (serial ", "expired 1 d 0 h ago");
    assertThat(serverSays()).startsWith("failed: ");
  }

  /** As with a host whose clock is five minutes behind who signs. */
  @Test
  void shouldSayHowLongACertificateIsNotValidYet() throws Exception {
    ours.sign("client", "early", "RSA", FIVE_MINUTES, DAY);
    assertThat(PeerProbe.trouble(serve(files(ours, "server")), files(ours, "client")))
        .contains("it refuses this process's certificate CN=early");
    assertThat(serverSays())
        .contains("CN=early (serial ", " is not valid for another ")
        .contains("set the clock where it is wrong, or wait");
  }

  @Test
  void shouldNameAnotherAuthoritysCertificateOnBothSides() throws Exception {
    for (String name : new String[] {"theirs", "ours"}) { // two may bear the same name
      TestAuthority theirs = new TestAuthority(directory.resolve("other-" + name), name);
      theirs.sign("client", "tandem");
      PeerCertificates mixed =
          new PeerCertificates(
              theirs.file("client.crt"), theirs.file("client.key"), ours.file("ca.crt"));
      assertThat(PeerProbe.trouble(serve(files(ours, "server")), mixed))
          .contains("it refuses this process's certificate CN=tandem", "signed by CN=" + name);
      assertThat(serverSays())
          .contains("CN=tandem (serial ", "is signed by nobody who is trusted here: ")
          .contains(ours.file("ca.crt").toString());
      server.close();
      assertThat(PeerProbe.trouble(serve(files(ours, "server")), files(theirs, "client")))
          .contains("its certificate is refused here: CN=tandem")
          .contains("is signed by nobody who is trusted here");
      server.close();
    }
  }

  @Test
  void shouldTakeTwoAuthoritiesWhileTheyChange() throws Exception {
    TestAuthority next = new TestAuthority(directory.resolve("next"), "next");
    next.sign("client", "tandem");
    for (TestAuthority one : new TestAuthority[] {ours, next}) {
      Path both = directory.resolve("both.crt");
      Files.writeString(
          both, Files.readString(ours.file("ca.crt")) + Files.readString(next.file("ca.crt")));
      String name = one == ours ? "server" : "client";
      PeerCertificates files =
          new PeerCertificates(one.file(name + ".crt"), one.file(name + ".key"), both);
      assertThat(PeerProbe.trouble(serve(files), files(one, name))).isEmpty();
      assertThat(serverSays()).isEqualTo("served");
      server.close();
    }
  }

  @Test
  void shouldSayThatNoNameIsInCommon() throws Exception {
    Path plain = directory.resolve("plain");
    TestAuthority strict = new TestAuthority(plain);
    strict.signWithoutHost("server", "coordinators");
    strict.signWithoutHost("client", "workers");
    assertThat(PeerProbe.trouble(serve(files(strict, "server")), files(strict, "client")))
        .contains("CN=coordinators (serial ", "bears no name that stands in CN=workers (serial ");
  }

  @Test
  void shouldSayWhoHasNoTls() throws Exception {
    ours.sign("client", "tandem");
    server = new ServerSocket(0);
    call(
        () -> {
          try (Socket socket = server.accept()) {
            socket.getOutputStream().write("plain text\n".getBytes());
            socket.getOutputStream().flush();
            socket.getInputStream().read(new byte[1000]);
          }
        });
    assertThat(PeerProbe.trouble(address(), files(ours, "client"))).contains("it speaks no TLS");
    server.close();
    assertThat(PeerProbe.trouble(serve(files(ours, "server")), null))
        .contains(
            "it speaks TLS, as CN=tandem (serial ", "give this process --control-certificate");
    InetSocketAddress gone = address();
    server.close();
    assertThat(PeerProbe.trouble(gone, null)).contains("no connection: ");
  }

  @Test
  void shouldTellWhenTheCertificateOfTheNextConnectionExpires() throws Exception {
    ours.sign("next", "tandem", "RSA", DAY.negated(), DAY.multipliedBy(30));
    PeerCertificates used = files(ours, "server");
    double first = PemFiles.certificates(used.certificate()).get(0).getNotAfter().getTime() / 1e3;
    AtomicLong clock = new AtomicLong();
    DoubleSupplier expiry = used.expiry(clock::get);
    assertThat(expiry.getAsDouble()).isEqualTo(first);
    replace(used.certificate(), ours.file("next.crt"), 1);
    clock.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(expiry.getAsDouble()).as("without its key it is not used").isEqualTo(first);
    replace(used.key(), ours.file("next.key"), 2);
    clock.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(expiry.getAsDouble() - first)
        .isEqualTo(DAY.multipliedBy(29).toSeconds(), within(60.0));
  }

  private static void replace(Path file, Path by, long writtenMs) throws IOException {
    Files.copy(by, file, StandardCopyOption.REPLACE_EXISTING);
    Files.setLastModifiedTime(file, FileTime.fromMillis(writtenMs));
  }

  @Test
  void shouldLookBeforeItStarts() throws Exception {
    files(ours, "server").verify();
    ours.sign("old", "old", "RSA", DAY.multipliedBy(-3), DAY.negated());
    assertThatThrownBy(() -> files(ours, "old").verify())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no coordinator or worker would believe " + ours.file("old.crt"))
        .hasMessageContaining("CN=old (serial ")
        .hasMessageContaining("expired 1 d 0 h ago by this host's clock")
        .hasMessageContaining("renew it");
    ours.sign("early", "early", "RSA", FIVE_MINUTES, DAY);
    assertThatThrownBy(() -> files(ours, "early").verify())
        .hasMessageContaining("is not valid for another ")
        .hasMessageContaining("set the clock where it is wrong");
    TestAuthority theirs = new TestAuthority(directory.resolve("theirs"), "theirs");
    theirs.sign("server", "tandem");
    PeerCertificates mixed =
        new PeerCertificates(
            theirs.file("server.crt"), theirs.file("server.key"), ours.file("ca.crt"));
    assertThatThrownBy(mixed::verify)
        .hasMessageContaining("signed by CN=theirs")
        .hasMessageContaining("is signed by nobody who is trusted here");
    PeerCertificates swapped =
        new PeerCertificates(
            ours.file("server.crt"), theirs.file("server.key"), ours.file("ca.crt"));
    assertThatThrownBy(swapped::verify)
        .hasMessageContaining("server.key is not the key of " + ours.file("server.crt"));
    assertThatThrownBy(() -> files(ours, "none").verify())
        .hasMessageContaining("none.crt is missing");
  }
}
