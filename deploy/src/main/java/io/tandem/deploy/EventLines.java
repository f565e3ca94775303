package io.tandem.deploy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/** Takes the lines of server-sent events apart; {@link #done} completes with the stream. */
abstract class EventLines implements Flow.Subscriber<String> {
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private String id = "";
  private String type = "";
  private final StringBuilder data = new StringBuilder();

  /** A whole event; {@code id} is empty where it has none. */
  abstract void event(String id, String type, String data);

  CompletableFuture<Void> done() {
    return done;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(String line) {
    if (line.isEmpty() && !type.isEmpty()) {
      event(id, type, data.toString());
      id = "";
      type = "";
      data.setLength(0);
    } else if (line.startsWith("id: ")) {
      id = line.substring(4);
    } else if (line.startsWith("event: ")) {
      type = line.substring(7);
    } else if (line.startsWith("data: ")) {
      data.append(line, 6, line.length());
    }
  }

  @Override
  public void onError(Throwable failure) {
    done.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    done.complete(null);
  }
}
