// SPDX-License-Identifier: BSD-2-Clause
pragma solidity 0.8.30;

// The shared log of a ledger: batches of admitted writers, in one order, each
// chained to the one before.  It knows nothing of what is in them; the rules
// of settlement are applied by everybody who reads.  A batch is kept in the
// event and not in storage, which would cost twenty times as much; storage
// holds what the next append is held against.
//
// The hash of the genesis is SHA-256(genesis), that of any other entry
// SHA-256(hash before, SHA-256(batch)).
contract Log {
	struct Writer {
		bool admitted;
		uint64 next;
	}

	uint256 public constant BATCH_MAX = 1048576;

	bytes32 public ledger; // hash of the genesis: the id of the ledger
	bytes32 public head;   // hash of the newest entry
	address public admin;
	uint64 public next;    // position after the newest entry
	mapping(address => Writer) private writers;

	event Entry(
		uint64 indexed position,
		address indexed writer,
		uint64 indexed seq,
		bytes32 prev,
		bytes batch
	);
	event Admitted(address indexed writer, bool admitted);
	event Admin(address indexed admin);

	error NotAdmin();
	error NotAdmitted();
	error OutOfOrder(uint64 next);
	error TooLong();

	constructor(bytes memory genesis, address[] memory admitted) {
		ledger = head = sha256(genesis);
		next = 1;
		admin = msg.sender;
		emit Admin(msg.sender);
		emit Entry(0, address(0), 0, 0, genesis);
		for (uint256 i = 0; i < admitted.length; i++) {
			writers[admitted[i]].admitted = true;
			emit Admitted(admitted[i], true);
		}
	}

	// Who may append from now on.  A writer that comes back goes on with
	// its numbers.
	function admit(address writer, bool admitted) external {
		if (msg.sender != admin)
			revert NotAdmin();
		writers[writer].admitted = admitted;
		emit Admitted(writer, admitted);
	}

	function hand(address to) external {
		if (msg.sender != admin)
			revert NotAdmin();
		admin = to;
		emit Admin(to);
	}

	// seq counts the batches of the writer from 0: a transaction that is
	// sent again after it was mined is refused, and so is one that would
	// overtake another.
	function append(uint64 seq, bytes calldata batch) external {
		Writer storage writer = writers[msg.sender];
		bytes32 prev = head;

		if (!writer.admitted)
			revert NotAdmitted();
		if (seq != writer.next)
			revert OutOfOrder(writer.next);
		if (batch.length > BATCH_MAX)
			revert TooLong();
		writer.next = seq + 1;
		head = sha256(abi.encode(prev, sha256(batch)));
		emit Entry(next++, msg.sender, seq, prev, batch);
	}

	// All that a reader or a writer asks, in one call.
	function state(address writer)
		external
		view
		returns (bytes32, bytes32, uint64, bool, uint64)
	{
		Writer storage w = writers[writer];
		return (ledger, head, next, w.admitted, w.next);
	}
}
