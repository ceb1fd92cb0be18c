//! The methods that all streams have, written once.
//!
//! They are inherent methods, so that nobody has to import a trait to read a line. A type that takes them
//! has a field `object`, and for reading a field `front`.

/// The methods of whatever can be read.
macro_rules! reading_methods {
    () => {
        /// Waits until something is there to read, and lends it. Empty is the end of the stream.
        ///
        /// What was used is taken off with [`consume`](Self::consume); the rest is there again for the
        /// next read.
        ///
        /// # Errors
        ///
        /// The operating system's own, each once; `Cancelled`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop. Nothing is lost: what arrives stays in the stream.
        #[track_caller]
        pub fn fill_buf(&mut self) -> $crate::stream::Reading<'_, $crate::stream::Fill> {
            self.read_for($crate::stream::Fill)
        }

        /// Takes `count` bytes off the front of what [`fill_buf`](Self::fill_buf) lent.
        ///
        /// # Panics
        ///
        /// If there are fewer.
        #[track_caller]
        pub fn consume(&mut self, count: usize) {
            self.front.consume(count);
        }

        /// What is buffered here and can be read without waiting. More may have arrived.
        #[must_use]
        pub fn buffered(&self) -> &[u8] {
            self.front.bytes()
        }

        /// Reads what is there, at least one byte, into `into`: how many. 0 is the end of the stream, or
        /// an empty `into`.
        ///
        /// # Errors
        ///
        /// The operating system's own, each once; `Cancelled`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; nothing was read then.
        #[track_caller]
        pub fn read<'a>(
            &'a mut self,
            into: &'a mut [u8],
        ) -> $crate::stream::Reading<'a, $crate::stream::Any<'a>> {
            self.read_for($crate::stream::Any { into })
        }

        /// Reads what is there as it lies, without a copy. `None` is the end of the stream.
        ///
        /// # Errors
        ///
        /// The operating system's own, each once; `Cancelled`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; nothing was read then.
        #[track_caller]
        pub fn read_chunk(&mut self) -> $crate::stream::Reading<'_, $crate::stream::Chunk> {
            self.read_for($crate::stream::Chunk)
        }

        /// Reads exactly as many bytes as `into` is long.
        ///
        /// # Errors
        ///
        /// [`Error::Eof`](crate::Error::Eof), inside an `io::Error` of kind `UnexpectedEof`, when the
        /// stream ended before: what had come is still there to be read. The operating system's own, each
        /// once; `Cancelled`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; nothing was read then, and the same read made again
        /// gives the same bytes.
        #[track_caller]
        pub fn read_exact<'a>(
            &'a mut self,
            into: &'a mut [u8],
        ) -> $crate::stream::Reading<'a, $crate::stream::Exact<'a>> {
            self.read_for($crate::stream::Exact { into })
        }

        /// Reads up to and with the next byte `end`, and appends that to `into`: how many bytes. At the
        /// end of the stream that is what was left, and then 0.
        ///
        /// # Errors
        ///
        /// [`Error::Limit`](crate::Error::Limit), inside an `io::Error` of kind `InvalidData`, when
        /// there is no `end` within [`line_max`](Self::line_max) bytes: they are still there to be read.
        /// The operating system's own, each once; `Cancelled`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; nothing was read then, and the same read made again
        /// gives the same bytes.
        #[track_caller]
        pub fn read_until<'a>(
            &'a mut self,
            end: u8,
            into: &'a mut Vec<u8>,
        ) -> $crate::stream::Reading<'a, $crate::stream::Until<'a>> {
            let len_max = self.front.line_max;
            self.read_for($crate::stream::Until::new(end, len_max, into))
        }

        /// Reads up to and with the next newline; see [`read_until`](Self::read_until).
        ///
        /// # Errors
        ///
        /// As [`read_until`](Self::read_until).
        ///
        /// # Cancellation
        ///
        /// As [`read_until`](Self::read_until).
        #[track_caller]
        pub fn read_line<'a>(
            &'a mut self,
            into: &'a mut Vec<u8>,
        ) -> $crate::stream::Reading<'a, $crate::stream::Until<'a>> {
            self.read_until(b'\n', into)
        }

        /// Reads the next line into a vector of its own, the newline included. `None` is the end of the
        /// stream.
        ///
        /// # Errors
        ///
        /// As [`read_until`](Self::read_until).
        ///
        /// # Cancellation
        ///
        /// As [`read_until`](Self::read_until).
        #[track_caller]
        pub fn next_line(&mut self) -> $crate::stream::Reading<'_, $crate::stream::Line> {
            let len_max = self.front.line_max;
            self.read_for($crate::stream::Line::new(len_max))
        }

        /// Reads up to the end of the stream, and appends that to `into`: how many bytes.
        ///
        /// # Errors
        ///
        /// The operating system's own, each once; `Cancelled`. What was read before is in `into`.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; what was read by then is in `into`, and the
        /// cancellation's progress says how much that was.
        #[track_caller]
        pub fn read_to_end<'a>(
            &'a mut self,
            into: &'a mut Vec<u8>,
        ) -> $crate::stream::Reading<'a, $crate::stream::ToEnd<'a>> {
            self.read_for($crate::stream::ToEnd::new(into))
        }

        /// The longest line, or record of [`read_until`](Self::read_until), its end included; 64 KiB
        /// unless [set](Self::set_line_max).
        #[must_use]
        pub fn line_max(&self) -> usize {
            self.front.line_max
        }

        /// Sets [`line_max`](Self::line_max).
        pub fn set_line_max(&mut self, len: usize) {
            self.front.line_max = len;
        }

        #[track_caller]
        fn read_for<'a, G: $crate::stream::Goal<'a>>(
            &'a mut self,
            goal: G,
        ) -> $crate::stream::Reading<'a, G> {
            $crate::stream::Reading::new(&self.object, &mut self.front, goal)
        }
    };
}

/// The methods of whatever can be written to.
macro_rules! writing_methods {
    () => {
        /// Takes all of `bytes`, to be sent in order at the end of the turn, or earlier; while the outbox
        /// is full it waits for room.
        ///
        /// Nothing needs to be flushed for the bytes to go out.
        ///
        /// # Errors
        ///
        /// That of an earlier send that failed, once, and then that the stream is closed; `Cancelled`,
        /// whose progress is how many of the bytes were taken.
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop. The bytes that were taken by then are sent;
        /// [`bytes_written`](Self::bytes_written) counts them, too.
        #[track_caller]
        pub fn write<'a>(&'a mut self, bytes: &'a [u8]) -> $crate::stream::Write<'a> {
            $crate::stream::Write::new(&self.object, bytes)
        }

        /// Takes all of `chunk`, as [`write`](Self::write) does. A long one is sent as it lies, without a
        /// copy: what [`read_chunk`](crate::TcpStream::read_chunk) brought at one stream goes on through
        /// another.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        ///
        /// # Cancellation
        ///
        /// As [`write`](Self::write).
        #[track_caller]
        pub fn write_chunk(
            &mut self,
            chunk: $crate::stream::Buf,
        ) -> $crate::stream::Write<'_, $crate::stream::Buf> {
            $crate::stream::Write::new(&self.object, chunk)
        }

        /// Takes all of `bytes` or none, and never waits.
        ///
        /// # Errors
        ///
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when there is no room for all of them, and
        /// nothing was taken; [`InvalidInput`](std::io::ErrorKind::InvalidInput) when there never will
        /// be, because they are more than the high mark; those of [`write`](Self::write).
        pub fn push(&mut self, bytes: &[u8]) -> std::io::Result<()> {
            $crate::stream::push(&self.object, bytes)
        }

        /// Waits until little is left to be sent (the low mark, 16 KiB): what a writer that
        /// [pushes](Self::push) should do now and then.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; what was taken is sent all the same.
        #[track_caller]
        pub fn drain(&mut self) -> $crate::stream::Drain {
            $crate::stream::Drain::new(&self.object)
        }

        /// Waits until the operating system has taken everything that was written.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        ///
        /// # Cancellation
        ///
        /// Leaves at once, and so does a drop; what was taken is sent all the same.
        #[track_caller]
        pub fn flush(&mut self) -> $crate::stream::Flush {
            $crate::stream::Flush::new(&self.object)
        }

        /// How many bytes were taken from writers so far.
        ///
        /// # Errors
        ///
        /// Away from the stream's kernel.
        pub fn bytes_written(&self) -> std::io::Result<u64> {
            Ok(self.object.counts()?.0)
        }

        /// How many bytes the operating system has taken so far.
        ///
        /// # Errors
        ///
        /// Away from the stream's kernel.
        pub fn bytes_sent(&self) -> std::io::Result<u64> {
            Ok(self.object.counts()?.1)
        }
    };
}

pub(crate) use {reading_methods, writing_methods};
