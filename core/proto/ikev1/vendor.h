/* SPDX-License-Identifier: Apache-2.0 */
/* vendor.h - vendor identifications that mean something to us. */
#pragma once

#include "core/base/reader.h"
#include "core/base/writer.h"

enum ike1_vendor {
    IKE1_VENDOR_NATT_RFC = 1,
    IKE1_VENDOR_NATT_DRAFT03 = 2,
    IKE1_VENDOR_NATT_DRAFT02 = 4,
    IKE1_VENDOR_NATT_DRAFT02N = 8,
    IKE1_VENDOR_NATT_DRAFT00 = 16,
    IKE1_VENDOR_DPD = 32,
    IKE1_VENDOR_MICROSOFT = 64,
    IKE1_VENDOR_RACOON = 128,
    IKE1_VENDOR_STRONGSWAN = 256,
    IKE1_VENDOR_XAUTH = 512,
    IKE1_VENDOR_UNITY = 1024,
    IKE1_VENDOR_FRAGMENTATION = 2048,
    IKE1_VENDOR_APPLE = 4096, /* a NAT-T draft without a number */
};

/* Which one a vendor payload's body is, or 0. */
unsigned ike1_vendor_of(struct reader body);
/* The body of one of them. */
struct reader ike1_vendor_bytes(enum ike1_vendor v);
/* What the vendors seen say of the peer's make: "Windows", "Apple or Android", ... or NULL. */
const char *ike1_vendor_make(unsigned seen);
