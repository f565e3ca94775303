package io.tandem.worker.storage;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.services.s3.S3Client;

/** An S3 in this JVM with one bucket, over a way that can be disturbed. */
public final class TestStore implements AutoCloseable {
  public static final String BUCKET = "tandem-test";
  public static final String KEY = "someone";
  public static final String SECRET = "something";
  private static final Duration PATIENT = Duration.ofSeconds(15);
  private static final Duration HASTY = Duration.ofSeconds(3);

  private final S3Proxy server;
  private final Relay relay;
  private final S3Client client;
  private final S3FileSystem system;
  private final S3FileSystem hasty;

  private TestStore(S3Proxy server) throws IOException {
    this.server = server;
    this.relay = Relay.to(server.getPort());
    this.client = client(endpoint(), SECRET, PATIENT);
    this.system = new S3FileSystem(new S3Store(client));
    this.hasty = new S3FileSystem(new S3Store(client(endpoint(), SECRET, HASTY)));
    client.createBucket(create -> create.bucket(BUCKET));
  }

  /** Starts one whose objects are files in an empty directory. */
  public static TestStore start(Path directory) throws Exception {
    var blobs = new FilesystemNio2BlobStore(Files.createDirectories(directory).toString());
    var server =
        S3Proxy.builder()
            .blobStore(blobs)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, KEY, SECRET)
            .build();
    server.start();
    return new TestStore(server);
  }

  /** A client that has patience. */
  static S3Client client(URI endpoint, String secret) {
    return client(endpoint, secret, PATIENT);
  }

  private static S3Client client(URI endpoint, String secret, Duration oneTry) {
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY, secret));
    return S3Clients.of(Optional.of(endpoint), credentials, oneTry, oneTry.multipliedBy(2));
  }

  /** Where it is reached. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + relay.port());
  }

  /** What can be done to the way there. */
  public Relay relay() {
    return relay;
  }

  /** In the bucket. */
  public Path path(String key) {
    return system.getPath(S3FileSystem.SCHEME + BUCKET + "/" + key);
  }

  /** The same, asked for six seconds at the most. */
  public Path hastyPath(String key) {
    return hasty.getPath(path(key).toString());
  }

  /** Copies a directory of files there. */
  public void upload(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        write(to.resolve(from.relativize(file).toString()), Files.readAllBytes(file));
      }
    }
  }

  /** Writes a whole object. */
  public static void write(Path file, byte[] bytes) throws IOException {
    S3FileSystemTest.write(file, bytes);
  }

  /** The names of all objects, in order. */
  public List<String> objects() {
    return client.listObjectsV2Paginator(list -> list.bucket(BUCKET)).contents().stream()
        .map(object -> object.key())
        .toList();
  }

  /** How many uploads are neither complete nor given up. */
  int uploads() {
    return client.listMultipartUploads(list -> list.bucket(BUCKET)).uploads().size();
  }

  @Override
  public void close() throws Exception {
    hasty.close();
    system.close();
    relay.close();
    server.stop();
  }
}
