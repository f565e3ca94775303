package io.tandem.worker.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a store says or does not say, and what its user hears of it. */
@Timeout(180)
class S3FailuresTest {
  @TempDir Path directory;
  private TestStore store;

  @BeforeEach
  void start() throws Exception {
    store = TestStore.start(directory);
  }

  @AfterEach
  void stop() throws Exception {
    store.close();
  }

  private static StoreException failure(ThrowingCallable call) {
    var thrown = org.assertj.core.api.Assertions.catchThrowable(call);
    assertThat(thrown).isInstanceOf(StoreException.class);
    return (StoreException) thrown;
  }

  private static Path at(URI endpoint, String secret, String path) {
    return new S3FileSystem(new S3Store(TestStore.client(endpoint, secret))).getPath(path);
  }

  @Test
  void shouldSayThatTheCredentialsAreRefused() {
    var file = at(store.endpoint(), "wrong", "s3://tandem-test/a/b");
    var failure = failure(() -> S3FileSystemTest.write(file, new byte[1]));
    assertThat(failure)
        .hasMessageContaining("s3://tandem-test/a/b: the store answered 403")
        .hasMessageContaining("give the credentials the right to");
    assertThat(failure.temporary()).isFalse();
  }

  @Test
  void shouldSayThatThereIsNoBucket() {
    var file = at(store.endpoint(), TestStore.SECRET, "s3://nowhere-at-all/a");
    assertThat(failure(() -> S3FileSystemTest.write(file, new byte[1])))
        .hasMessageContaining("s3://nowhere-at-all/a: the store answered 404 (NoSuchBucket)")
        .hasMessageContaining("create the bucket");
  }

  @ParameterizedTest
  @CsvSource({"500, true", "503, true", "400, false"})
  void shouldTellErrorsOfTheStoreFromThoseOfItsUser(int status, boolean temporary)
      throws IOException {
    var asked = new AtomicInteger();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          asked.incrementAndGet();
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    server.start();
    try {
      var endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
      var file = at(endpoint, TestStore.SECRET, "s3://tandem-test/a/b");
      var failure = failure(() -> S3FileSystemTest.write(file, new byte[1]));
      assertThat(failure)
          .hasMessageContaining("s3://tandem-test/a/b: the store answered " + status);
      assertThat(failure.temporary()).isEqualTo(temporary);
      assertThat(asked).hasValue(temporary ? 3 : 1);
      // Not "it does not exist".
      assertThatThrownBy(() -> Files.exists(file))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("answered " + status);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void shouldGiveUpInTimeOnAStoreThatIsSilent() {
    store.relay().fallSilent();
    long began = System.nanoTime();
    var failure = failure(() -> Files.readAllBytes(store.hastyPath("a/b")));
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    assertThat(failure)
        .hasMessageContaining("s3://tandem-test/a/b: no answer in time")
        .hasMessageContaining("look at the store");
    assertThat(failure.temporary()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"store:9000", "store", "ftp://store", "http://", "http://a b"})
  void shouldRefuseAnEndpointThatIsNoAddress(String text) {
    assertThatThrownBy(() -> S3Clients.endpoint(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "' in AWS_ENDPOINT_URL_S3")
        .hasMessageContaining("give http://HOST:PORT");
  }

  @Test
  void shouldAskForARegion() {
    assumeThat(System.getenv("AWS_REGION")).isNull();
    System.setProperty("aws.disableEc2Metadata", "true");
    try {
      assertThatThrownBy(S3Clients::ofEnvironment)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("set AWS_REGION");
    } finally {
      System.clearProperty("aws.disableEc2Metadata");
    }
  }

  @Test
  void shouldSayThatNobodyListens() throws Exception {
    var file = at(URI.create("http://127.0.0.1:1"), TestStore.SECRET, "s3://tandem-test/a");
    var failure = failure(() -> Files.readAllBytes(file));
    assertThat(failure)
        .hasMessageContaining("s3://tandem-test/a: the store cannot be asked")
        .hasMessageContaining("AWS_ENDPOINT_URL_S3");
    assertThat(failure.temporary()).isTrue();
  }

  @Test
  void shouldLeaveNoObjectOfAnUploadThatIsCutOff() throws Exception {
    var file = store.path("large");
    store.relay().cutAfter(S3Writer.PART_BYTES * 3 / 2);
    var failure =
        failure(
            () -> {
              try (var channel =
                  FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(3 * S3Writer.PART_BYTES));
                channel.force(true);
              }
            });
    assertThat(failure).hasMessageContaining("s3://tandem-test/large");
    assertThat(failure.getSuppressed()).hasSize(1); // nor could it be given up
    store.relay().heal();
    assertThat(Files.exists(file)).isFalse();
    S3FileSystemTest.write(file, new byte[5]);
    assertThat(Files.size(file)).isEqualTo(5);
  }
}
