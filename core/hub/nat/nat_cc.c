/* SPDX-License-Identifier: Apache-2.0 */
/* nat_cc.c - see nat_cc.h. */

#include "core/hub/nat/nat_cc.h"

#include <glib.h>

#define CUBIC_C    0.4
#define CUBIC_BETA 0.7
/* Additive increase of the part that is fair to Reno: 3 (1 - beta) / (1 + beta). */
#define RENO_ALPHA (3.0 * (1.0 - CUBIC_BETA) / (1.0 + CUBIC_BETA))

enum {
    ROUND_SAMPLES = 8,
    DELAY_MIN_US = 4000,
    DELAY_MAX_US = 16000,
    LOSS_SEGMENTS = 1, /* after a timeout */
    MIN_SEGMENTS = 2,
};

void
nat_cc_init(struct nat_cc *cc, uint32_t mss)
{
    *cc = (struct nat_cc){.mss = mss, .ssthresh = UINT64_MAX};
    cc->cwnd = (uint64_t)NAT_CC_INITIAL * mss;
}

static double
cube_root(double x)
{
    if (x <= 0)
        return 0;
    double r = x > 1 ? x / 3 : 1;
    for (unsigned i = 0; i < 64; i++) { /* Newton; converges long before */
        double next = (2 * r + x / (r * r)) / 3;
        double change = next > r ? next - r : r - next;
        r = next;
        if (change < r * 1e-6)
            break;
    }
    return r;
}

/* The delay of a round grew: the way is full, and the rest of the window would only be a queue. */
static void
watch_delay(struct nat_cc *cc, const struct nat_cc_ack *ack)
{
    if (ack->una >= cc->round_end) {
        cc->last_round_min_us = cc->round_samples >= ROUND_SAMPLES ? cc->round_min_us : 0;
        cc->round_end = ack->nxt;
        cc->round_min_us = INT64_MAX;
        cc->round_samples = 0;
    }
    if (ack->rtt_us <= 0)
        return;
    cc->round_min_us = MIN(cc->round_min_us, ack->rtt_us);
    cc->round_samples++;
    if (cc->round_samples < ROUND_SAMPLES || cc->last_round_min_us == 0)
        return;
    int64_t more = CLAMP(cc->last_round_min_us / 8, DELAY_MIN_US, DELAY_MAX_US);
    if (cc->round_min_us >= cc->last_round_min_us + more)
        cc->ssthresh = cc->cwnd;
}

static void
begin_epoch(struct nat_cc *cc, int64_t now_us, double cwnd)
{
    cc->epoch_us = now_us;
    cc->reno = cwnd;
    if (cwnd < cc->w_max) {
        cc->k = cube_root((cc->w_max - cwnd) / CUBIC_C);
        cc->origin = cc->w_max;
    } else {
        cc->k = 0;
        cc->origin = cwnd;
    }
}

static void
avoid_congestion(struct nat_cc *cc, const struct nat_cc_ack *ack)
{
    double cwnd = (double)cc->cwnd / cc->mss;
    double acked = (double)ack->acked / cc->mss;
    if (cc->epoch_us == 0)
        begin_epoch(cc, ack->now_us, cwnd);
    double t = (double)(ack->now_us - cc->epoch_us + ack->srtt_us) / 1e6 - cc->k;
    double target = cc->origin + CUBIC_C * t * t * t;
    target = CLAMP(target, cwnd, 1.5 * cwnd);
    cc->reno += (cc->reno < cc->w_max ? RENO_ALPHA : 1.0) * acked / cwnd;
    double next = MAX(cwnd + (target - cwnd) * acked / cwnd, cc->reno);
    cc->cwnd = (uint64_t)(next * cc->mss);
}

void
nat_cc_acked(struct nat_cc *cc, const struct nat_cc_ack *ack)
{
    bool slow_start = cc->cwnd < cc->ssthresh;
    if (slow_start)
        watch_delay(cc, ack);
    if (!ack->limited) {
        cc->epoch_us = 0; /* time in which nobody asked for more does not count */
        return;
    }
    if (slow_start)
        cc->cwnd += ack->acked;
    else
        avoid_congestion(cc, ack);
    cc->cwnd = MIN(cc->cwnd, (uint64_t)NAT_CC_MAX);
}

static void
remember_maximum(struct nat_cc *cc)
{
    double cwnd = (double)cc->cwnd / cc->mss;
    /* A window that shrinks from loss to loss makes room for others faster (RFC 9438, 4.7). */
    cc->w_max = cwnd < cc->w_max ? cwnd * (1 + CUBIC_BETA) / 2 : cwnd;
    cc->epoch_us = 0;
    cc->ssthresh = (uint64_t)((double)cc->cwnd * CUBIC_BETA);
    cc->ssthresh = MAX(cc->ssthresh, (uint64_t)MIN_SEGMENTS * cc->mss);
}

void
nat_cc_lost(struct nat_cc *cc)
{
    remember_maximum(cc);
    cc->cwnd = cc->ssthresh;
}

void
nat_cc_timed_out(struct nat_cc *cc, bool first)
{
    if (first)
        remember_maximum(cc);
    cc->cwnd = (uint64_t)LOSS_SEGMENTS * cc->mss;
}

void
nat_cc_idle(struct nat_cc *cc)
{
    cc->cwnd = MIN(cc->cwnd, (uint64_t)NAT_CC_INITIAL * cc->mss);
    cc->epoch_us = 0;
}
