/* SPDX-License-Identifier: Apache-2.0 */
/* netlink_priv.h - one request to the kernel's route netlink at a time; for this folder only.
 *
 * Each call opens its own socket, so nothing is shared between threads. It blocks until the kernel
 * has answered, which it does at once, and never longer than NETLINK_WAIT_S.
 */
#pragma once

#include <glib.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_REQUEST = 512, NETLINK_WHY = 160, NETLINK_WAIT_S = 5 };

struct netlink_request {
    union {
        struct nlmsghdr header;
        uint8_t bytes[NETLINK_REQUEST];
    };
    size_t len;
};

/* Starts a request with its fixed part. The attributes of a request always fit: asserts it. */
void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *fixed,
                   size_t len);
void netlink_put(struct netlink_request *r, uint16_t type, const void *value, size_t len);
void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value);

/* Sends it and waits for the verdict: 0 or an errno. why: the kernel's own words, or "". */
int netlink_talk(struct netlink_request *r, char why[NETLINK_WHY]);

/* One message of a dump: its fixed part is at body, attributes follow it. */
struct netlink_message {
    uint16_t type;
    const uint8_t *body;
    size_t len;
};
/* Sends it as a dump and calls fn for each message. 0 or an errno. */
int netlink_dump(struct netlink_request *r, void (*fn)(const struct netlink_message *m, void *data),
                 void *data);
/* Copies the fixed part; false when the message is too short. */
bool netlink_fixed(const struct netlink_message *m, void *ret_fixed, size_t len);
/* The value of an attribute after a fixed part of fixed bytes, or NULL. */
const uint8_t *
netlink_attribute(const struct netlink_message *m, size_t fixed, uint16_t type, size_t *ret_len);
/* An attribute of four bytes, or the default. */
uint32_t netlink_attribute_u32(const struct netlink_message *m, size_t fixed, uint16_t type,
                               uint32_t otherwise);
