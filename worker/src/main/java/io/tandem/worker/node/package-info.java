/**
 * The worker as its coordinator sees it: one actor that registers, shows that it lives, starts and
 * stops attempts as told, and passes on what they report. It never computes: idle, assigned,
 * training, draining.
 */
package io.tandem.worker.node;
