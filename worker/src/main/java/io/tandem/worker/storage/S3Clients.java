package io.tandem.worker.storage;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.SystemSettingsRegionProvider;
import software.amazon.awssdk.services.s3.S3Client;

/** Clients with deadlines; each request is tried up to three times within them. */
final class S3Clients {
  /** For one try: a part of 8 MiB needs 2.3 Mbit/s. */
  private static final Duration TRY = Duration.ofSeconds(30);

  /** With all its tries: well within what ranks wait for each other. */
  private static final Duration REQUEST = Duration.ofSeconds(60);

  private static final int CONNECTIONS = 64;

  private S3Clients() {}

  /**
   * As AWS's own tools are told: by system properties, environment, profile, role.
   *
   * @throws IllegalArgumentException when the endpoint is no address, or there is neither endpoint
   *     nor region
   */
  static S3Client ofEnvironment() {
    var endpoint =
        Stream.of(
                System.getProperty("aws.endpointUrlS3"),
                System.getenv("AWS_ENDPOINT_URL_S3"),
                System.getProperty("aws.endpointUrl"),
                System.getenv("AWS_ENDPOINT_URL"))
            .filter(Objects::nonNull)
            .filter(text -> !text.isBlank())
            .findFirst()
            .map(S3Clients::endpoint);
    try {
      return of(endpoint, DefaultCredentialsProvider.builder().build(), TRY, REQUEST);
    } catch (SdkClientException e) {
      throw new IllegalArgumentException(
          "no object store: set AWS_REGION, or AWS_ENDPOINT_URL_S3 for one that is not AWS's ("
              + e.getMessage()
              + ")",
          e);
    }
  }

  static URI endpoint(String text) {
    try {
      var address = new URI(text);
      if (address.getHost() != null && address.getScheme().matches("https?")) {
        return address;
      }
    } catch (URISyntaxException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "'%s' in AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is no address; give http://HOST:PORT or https://HOST"
            .formatted(text));
  }

  /**
   * A client.
   *
   * @param endpoint of a store that is not AWS's: buckets are then a part of the path, and the
   *     region counts for little
   */
  static S3Client of(
      Optional<URI> endpoint,
      AwsCredentialsProvider credentials,
      Duration oneTry,
      Duration request) {
    var builder =
        S3Client.builder()
            .credentialsProvider(credentials)
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    .maxConnections(CONNECTIONS)
                    .connectionTimeout(oneTry.dividedBy(3))
                    .connectionAcquisitionTimeout(oneTry)
                    .socketTimeout(oneTry))
            .overrideConfiguration(
                set ->
                    set.retryStrategy(RetryMode.STANDARD)
                        .apiCallAttemptTimeout(oneTry)
                        .apiCallTimeout(request));
    endpoint.ifPresent(
        address -> builder.endpointOverride(address).forcePathStyle(true).region(region()));
    return builder.build();
  }

  private static Region region() {
    try {
      return new AwsRegionProviderChain(
              new SystemSettingsRegionProvider(), new AwsProfileRegionProvider())
          .getRegion();
    } catch (SdkClientException e) {
      return Region.US_EAST_1; // what most other stores call themselves
    }
  }
}
