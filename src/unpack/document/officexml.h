/* officexml — XML of office documents: what packages name elsewhere, what is encrypted in them,
 * and documents that are one XML file with their binary parts in base64. */
#pragma once
#include "unpack/unpack.h"

bool officexml_probe(bytes data);
void officexml_open(struct unpack *unpack);
