/* SPDX-License-Identifier: Apache-2.0 */
/* nat_cc.h - how much a TCP sender may have in flight: CUBIC (RFC 9438), which ends its first slow
 * start when round trips get longer (after RFC 9406). In bytes; no clock, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { NAT_CC_INITIAL = 10, NAT_CC_MAX = 8 * 1024 * 1024 };

struct nat_cc {
    uint32_t mss;
    uint64_t cwnd, ssthresh;
    /* CUBIC; windows in segments, time in seconds */
    double w_max, origin, k, reno;
    int64_t epoch_us; /* 0: not in one */
    /* the first slow start */
    uint64_t round_end; /* offset whose acknowledgement ends the round */
    int64_t round_min_us, last_round_min_us;
    unsigned round_samples;
};

void nat_cc_init(struct nat_cc *cc, uint32_t mss);
/* acked: bytes newly acknowledged or selectively so; rtt_us 0: no sample. una and nxt tell
 * rounds. */
struct nat_cc_ack {
    uint64_t acked, una, nxt;
    int64_t now_us, rtt_us, srtt_us;
    bool limited; /* the window is what held the sender back */
};
void nat_cc_acked(struct nat_cc *cc, const struct nat_cc_ack *ack);
/* Once a recovery. */
void nat_cc_lost(struct nat_cc *cc);
void nat_cc_timed_out(struct nat_cc *cc, bool first);
/* Nothing was sent for longer than a retransmission timeout. */
void nat_cc_idle(struct nat_cc *cc);
