"""Queues, packing, hop acknowledgements and receipts: from the ledger to the links and back."""
