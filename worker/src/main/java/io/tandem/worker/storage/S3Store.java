package io.tandem.worker.storage;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** The requests; each answers within its client's deadline. Thread-safe. */
final class S3Store implements AutoCloseable {
  private static final int OUT_OF_RANGE = 416;
  private static final int NOT_FOUND = 404;
  private static final int FORBIDDEN = 403;

  private final S3Client client;

  S3Store(S3Client client) {
    this.client = client;
  }

  /**
   * Some bytes of an object.
   *
   * @param size of the whole object
   */
  record Range(byte[] bytes, long size) {}

  /** Up to {@code count} bytes, fewer at the end, none beyond it. */
  Range read(S3Path file, long from, int count) throws IOException {
    var range = "bytes=%d-%d".formatted(from, from + count - 1);
    try {
      var answer =
          call(
              file,
              () ->
                  client.getObjectAsBytes(
                      get -> get.bucket(file.bucket()).key(file.key()).range(range)));
      var told = answer.response().contentRange(); // bytes 0-99/1234
      var bytes = answer.asByteArrayUnsafe();
      boolean whole = told == null;
      return new Range(
          bytes, whole ? bytes.length : Long.parseLong(told.substring(told.indexOf('/') + 1)));
    } catch (StoreException e) {
      if (e.getCause() instanceof S3Exception refusal && refusal.statusCode() == OUT_OF_RANGE) {
        return new Range(new byte[0], look(file).size());
      }
      throw e;
    }
  }

  /**
   * What is there.
   *
   * @throws NoSuchFileException when no object has this name, nor one that begins with it
   */
  S3Attributes look(S3Path path) throws IOException {
    if (!path.key().isEmpty()) {
      try {
        var head =
            call(path, () -> client.headObject(ask -> ask.bucket(path.bucket()).key(path.key())));
        return new S3Attributes(false, head.contentLength(), head.lastModified());
      } catch (NoSuchFileException e) {
        // a prefix, perhaps
      }
    }
    var request =
        ListObjectsV2Request.builder().bucket(path.bucket()).prefix(path.prefix()).maxKeys(1);
    var found = call(path, () -> client.listObjectsV2(request.build()));
    if (found.contents().isEmpty() && !path.key().isEmpty()) {
      throw new NoSuchFileException(path.toString());
    }
    return S3Attributes.PREFIX;
  }

  /** What is directly in it; nothing when it does not exist. */
  List<S3Path> children(S3Path directory) throws IOException {
    return list(directory, "/");
  }

  /** All objects below it, by name. */
  List<S3Path> all(S3Path directory) throws IOException {
    return list(directory, null);
  }

  private List<S3Path> list(S3Path directory, String delimiter) throws IOException {
    var prefix = directory.prefix();
    var request =
        ListObjectsV2Request.builder()
            .bucket(directory.bucket())
            .prefix(prefix)
            .delimiter(delimiter)
            .build();
    var found = new ArrayList<S3Path>();
    call(
        directory,
        () -> {
          for (var page : client.listObjectsV2Paginator(request)) {
            page.commonPrefixes()
                .forEach(
                    deeper ->
                        found.add(
                            directory.child(
                                deeper.prefix().substring(prefix.length()), S3Attributes.PREFIX)));
            for (var object : page.contents()) {
              var name = object.key().substring(prefix.length());
              if (!name.isEmpty() && !name.endsWith("/")) { // some tools mark directories so
                found.add(
                    directory.child(
                        name, new S3Attributes(false, object.size(), object.lastModified())));
              }
            }
          }
          return null;
        });
    return found;
  }

  void put(S3Path file, byte[] bytes, int count) throws IOException {
    call(
        file,
        () ->
            client.putObject(put -> put.bucket(file.bucket()).key(file.key()), body(bytes, count)));
  }

  /** Begins an object of several parts; it does not exist before it is complete. */
  String begin(S3Path file) throws IOException {
    return call(
        file,
        () ->
            client
                .createMultipartUpload(begin -> begin.bucket(file.bucket()).key(file.key()))
                .uploadId());
  }

  /** Sends a part, counted from 1; returns its tag. */
  String part(S3Path file, String upload, int number, byte[] bytes, int count) throws IOException {
    return call(
        file,
        () ->
            client
                .uploadPart(
                    part ->
                        part.bucket(file.bucket())
                            .key(file.key())
                            .uploadId(upload)
                            .partNumber(number),
                    body(bytes, count))
                .eTag());
  }

  void complete(S3Path file, String upload, List<String> tags) throws IOException {
    var parts = new ArrayList<CompletedPart>();
    for (var tag : tags) {
      parts.add(CompletedPart.builder().partNumber(parts.size() + 1).eTag(tag).build());
    }
    call(
        file,
        () ->
            client.completeMultipartUpload(
                complete ->
                    complete
                        .bucket(file.bucket())
                        .key(file.key())
                        .uploadId(upload)
                        .multipartUpload(all -> all.parts(parts))));
  }

  void abort(S3Path file, String upload) throws IOException {
    call(
        file,
        () ->
            client.abortMultipartUpload(
                abort -> abort.bucket(file.bucket()).key(file.key()).uploadId(upload)));
  }

  /** Does nothing when there is no such object. */
  void delete(S3Path file) throws IOException {
    call(file, () -> client.deleteObject(delete -> delete.bucket(file.bucket()).key(file.key())));
  }

  /** Without a copy; read anew when a request is repeated. */
  private static RequestBody body(byte[] bytes, int count) {
    return RequestBody.fromContentProvider(
        () -> new ByteArrayInputStream(bytes, 0, count), count, "application/octet-stream");
  }

  private static <T> T call(S3Path path, Supplier<T> request) throws IOException {
    try {
      return request.get();
    } catch (S3Exception e) {
      throw refused(path, e);
    } catch (AbortedException e) {
      var interrupted = new ClosedByInterruptException();
      interrupted.initCause(e);
      throw interrupted;
    } catch (ApiCallTimeoutException | ApiCallAttemptTimeoutException e) {
      throw new StoreException(
          path,
          "no answer in time (" + e.getMessage() + "); look at the store and the way there",
          true,
          e);
    } catch (SdkException e) {
      throw new StoreException(
          path,
          "the store cannot be asked ("
              + e.getMessage()
              + "); check AWS_ENDPOINT_URL_S3, AWS_REGION and the credentials (AWS_ACCESS_KEY_ID"
              + " and AWS_SECRET_ACCESS_KEY, a profile, or a role)",
          true,
          e);
    }
  }

  private static IOException refused(S3Path path, S3Exception e) {
    var details = e.awsErrorDetails();
    var code = details == null || details.errorCode() == null ? "no code" : details.errorCode();
    int status = e.statusCode();
    if (status == NOT_FOUND && !code.equals("NoSuchBucket") && !code.equals("NoSuchUpload")) {
      return new NoSuchFileException(path.toString());
    }
    boolean temporary = status >= 500 || status == 429;
    var remedy =
        status == NOT_FOUND
            ? "create the bucket or correct the path"
            : status == FORBIDDEN
                ? "give the credentials the right to list the bucket, and to get, put and delete"
                    + " objects there"
                : temporary
                    ? "look at the store: it was asked several times"
                    : "check AWS_REGION and AWS_ENDPOINT_URL_S3";
    return new StoreException(
        path, "the store answered %d (%s); %s".formatted(status, code, remedy), temporary, e);
  }

  @Override
  public void close() {
    client.close();
  }
}
